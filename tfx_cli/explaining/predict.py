"""A number to predict: the question, what the reader typed, and the verdict."""

from __future__ import annotations

from tfx.records import Question
from tfx_cli.options import Face
from tfx_cli.render.number_text import brief
from tfx_cli.render.sentences import answer_of
from tfx_cli.terminal.console import output
from tfx_cli.terminal.lines import write


def verdict(question: Question, given: str) -> str:
    """`Right: ...`, `Not quite: ...` or, for an empty answer, the answer alone."""
    if not given.strip():
        return f"The answer is {answer_of(question)}"
    number = parse_number(given)
    if number is None:
        return f'"{given.strip()}" is not a number.  The answer is {answer_of(question)}'
    if abs(number - question.answer) <= question.tolerance:
        return f"Right: {answer_of(question)}"
    return f"Not quite, you said {brief(number)}.  The answer is {answer_of(question)}"


def parse_number(text: str) -> float | None:
    """A number as people type it: `0.125`, `1/8`, `12.5%`, `1e-3`; None when it is none."""
    text = text.strip().replace(" ", "")
    scale = 1.0
    if text.endswith("%"):
        text, scale = text[:-1], 0.01
    above, slash, below = text.partition("/")
    try:
        return float(above) / (float(below) if slash else 1.0) * scale
    except (ValueError, ZeroDivisionError):
        return None


def show_question(question: Question, face: Face) -> None:
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("question", question.prompt) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_question

        output().print()
        print_question(question, output())


def show_answer(question: Question, face: Face) -> None:
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("answer:", answer_of(question)) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_answer

        print_answer(question, output())
