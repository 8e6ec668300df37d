"""A number to predict: the question, what the reader typed, and the verdict."""

from __future__ import annotations

from typing import NamedTuple

from tfx.records import Question, Text
from tfx_cli.options import Face
from tfx_cli.render.number_text import brief
from tfx_cli.render.sentences import answer_of
from tfx_cli.render.show import show_records
from tfx_cli.render.wrapping import printable, wrapped
from tfx_cli.terminal.console import output, prose_width
from tfx_cli.terminal.lines import show_line, write


def verdict(question: Question, given: str) -> str:
    """`Right: ...`, `Not quite: ...` or, for an empty answer, the answer alone.

    Reads as the quiz does.  Raises Unreadable, with a message that says how to write it.
    """
    from lessons.answers import read_number
    from lessons.grading import is_close

    if not given.strip():
        return f"The answer is {answer_of(question)}"
    number = read_number(given, question.unit)
    if is_close(number, question.answer, question.tolerance):
        return f"Right: {answer_of(question)}"
    return f"Not quite, you said {brief(number)}.  The answer is {answer_of(question)}"


class Answered(NamedTuple):
    """typed: the lines on the screen, what the reader typed and what was said to what could not be read; said: the
    verdict."""

    typed: list[str]
    said: str


def ask(question: Question) -> Answered:
    """Asks for the number until it can be read; Enter alone shows the answer."""
    typed, given = read(question)
    return Answered(typed, verdict(question, given))


def read(question: Question) -> tuple[list[str], str]:
    """The lines on the screen and what was typed, when it can be read; the answer may still be unknown."""
    from lessons.answers import Unreadable, read_number

    typed: list[str] = []
    while True:
        given = input("  > ")
        typed.append(f"  > {printable(given)}")
        try:
            if given.strip():
                read_number(given, question.unit)
            return typed, given
        except Unreadable as problem:
            lines = wrapped(f"{problem}  Enter alone shows the answer.", prose_width() - 2)
            for line in lines:
                show_line(f"  {line}")
            typed += [f"  {line}" for line in lines]


def show_answered(answered: Answered) -> None:
    """What was typed, and the verdict."""
    for line in answered.typed:
        show_line(line)
    show_records([Text(answered.said)], Face.terminal)


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
