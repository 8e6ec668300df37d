"""A number to predict: the question, what the reader typed, and the verdict."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tfx.records import Question, Text
from tfx_cli.explaining.prompt import PROMPT, answer_lines, ask_line
from tfx_cli.options import Face
from tfx_cli.render.number_text import brief
from tfx_cli.render.sentences import answer_of
from tfx_cli.render.show import show_records
from tfx_cli.render.wrapping import printable
from tfx_cli.terminal.console import output
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


class Pressed(Exception):
    """A key was typed in the place of an answer."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def ask(question: Question, keys: Collection[str] = ()) -> Answered:
    """Asks for the number until it can be read; Enter alone shows the answer.

    Raises Pressed when one of `keys` was typed instead, and EOFError at the end of the input.
    """
    typed, given = read(question, keys)
    return Answered(typed, verdict(question, given))


def read(question: Question, keys: Collection[str] = ()) -> tuple[list[str], str]:
    """The lines on the screen and what was typed, when it can be read; the answer may still be unknown.

    Raises as `ask` does.
    """
    from lessons.answers import Unreadable, read_number

    typed: list[str] = []
    while True:
        given = ask_line()
        if given.strip().lower() in keys:
            raise Pressed(given.strip().lower())
        typed.append(f"{PROMPT}{printable(given)}")
        try:
            if given.strip():
                read_number(given, question.unit)
            return typed, given
        except Unreadable as problem:
            lines = answer_lines(f"{problem}  Enter alone shows the answer.")
            for line in lines:
                show_line(line)
            typed += lines


def show_answered(answered: Answered) -> None:
    """What was typed, and the verdict."""
    for line in answered.typed:
        show_line(line)
    show_records([Text(answered.said)], Face.terminal)


def show_question(question: Question, face: Face, first: bool = False) -> None:
    """first: whether to say how one answers."""
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("question", question.prompt) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_question

        output().print()
        print_question(question, output())
        if first:
            show_records([Text("Type a number, or Enter alone to see the answer.")], face)


def show_answer(question: Question, face: Face) -> None:
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("answer:", answer_of(question)) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_answer

        print_answer(question, output())
