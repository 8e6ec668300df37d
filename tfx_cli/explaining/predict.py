"""A number to predict: the question, what the reader typed, and the verdict."""

from __future__ import annotations

from tfx.records import Question
from tfx_cli.options import Face
from tfx_cli.render.number_text import brief
from tfx_cli.render.sentences import answer_of
from tfx_cli.terminal.console import output
from tfx_cli.terminal.lines import write


def verdict(question: Question, given: str) -> str:
    """`Right: ...`, `Not quite: ...` or, for an empty answer, the answer alone.

    Reads as the quiz does.  Raises Unreadable, with a message that says how to write it.
    """
    from lessons.answers import read_number

    if not given.strip():
        return f"The answer is {answer_of(question)}"
    number = read_number(given, question.unit)
    if abs(number - question.answer) <= question.tolerance:
        return f"Right: {answer_of(question)}"
    return f"Not quite, you said {brief(number)}.  The answer is {answer_of(question)}"


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
