"""Shows a lesson: step by step for a person, all steps for a pipe, or as one page to read.

A step is run when it is shown, so what comes before a step that fails is on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfx.records import Code, Matrix, Question, Record, See, Step
from tfx_cli.explaining.folding import folded
from tfx_cli.explaining.predict import Answered, ask, show_answer, show_answered, show_question
from tfx_cli.options import Face
from tfx_cli.render.show import show_records
from tfx_cli.terminal.captured import Captured, Part
from tfx_cli.terminal.console import interactive, output
from tfx_cli.terminal.lines import show_line, write

if TYPE_CHECKING:
    from lessons.walk import Walk


@dataclass(frozen=True)
class Manner:
    """How steps are shown.  code: with their source; predict: a number is asked for before it is shown; details: every
    check by itself; screen: a screenful at a time, so that matrices show the rows in focus first; counts: what comes
    on a terminal is noted as seen."""

    face: Face
    code: bool = False
    predict: bool = False
    details: bool = False
    screen: bool = False
    counts: bool = True

    @property
    def asks(self) -> bool:
        """Whether somebody sits there who answers."""
        return self.predict and self.face is Face.terminal and interactive()


#: what was typed and said, for every question that has been answered
Answers = dict[Question, Answered]


def show_walk(topic: str, steps: Walk, chosen: Sequence[int], manner: Manner) -> bool:
    """Shows the chosen steps; one screen at a time where somebody sits at a terminal.

    Returns whether the last one was reached.
    """
    answers: Answers = {}

    def parts(index: int, code: bool) -> Iterator[Part]:
        number = f"{chosen[index] + 1}/{len(steps)}"
        return written_parts(number, steps[chosen[index]], replace(manner, code=manner.code or code), answers)

    def again(index: int) -> str:
        return f"tfx explain {topic} --step {steps.names[chosen[index]]}"

    def seen(index: int) -> None:
        if manner.counts:
            record_seen(topic, steps.names[chosen[index]], steps.names)

    if manner.face is Face.terminal and interactive():
        from tfx_cli.learner.progress import record_seen
        from tfx_cli.terminal.pager import page_through

        manner = replace(manner, screen=True)
        return page_through(len(chosen), parts, again, seen)
    for index in range(len(chosen)):
        if index and manner.face is Face.terminal:
            show_line()
        for part in parts(index, False):
            write(part.text)
    return True


def show_page(title: str, steps: Walk, chosen: Sequence[int], manner: Manner) -> bool:
    """The same text as one page: a heading for each step, and what there is to try at the end of each."""
    plain = manner.face is Face.plain
    if not plain:
        from tfx_cli.render.terminal_records import print_title

        print_title(title, "", output())
    for index in chosen:
        if not plain:
            show_line()
        for part in written_parts(f"{index + 1}/{len(steps)}" if plain else "", steps[index], manner, {}):
            write(part.text)
    return True


def written_parts(number: str, step: Step, manner: Manner, answers: Answers) -> Iterator[Part]:
    """The text of one step: title, records, what to try, and the code it ran.  number: `3/8`, or nothing on a page.

    What follows a question is a part of its own, written when the question has been answered, and so is the source.
    """
    records: list[Record] = [record for record in step.records if not isinstance(record, Code)]
    if manner.details or not manner.screen:
        records = [replace(record, focus=()) if isinstance(record, Matrix) else record for record in records]
    last: list[Record] = []
    if manner.face is Face.terminal:
        records, held = (records, []) if manner.details else folded(records)
        links = trailing_links(records)
        records, last = records[: len(records) - len(links)], [*held, *links]
    text, seen = Captured(), 0
    with text.writing():
        show_title(number, step.title, manner.face)
    for part in parts_of(records) if manner.predict else [records]:
        question = part[0] if part else None
        if isinstance(question, Question) and manner.predict:
            part = part[1:]
            with text.writing():
                show_question(question, manner.face)
            if manner.asks and question not in answers:
                yield Part(text.taken(), seen)
                answers[question] = ask(question)
                seen = len(answers[question].typed)
            with text.writing():
                if manner.asks:
                    show_answered(answers[question])
                else:
                    show_answer(question, manner.face)
                if part and manner.face is Face.terminal:
                    show_line()
        with text.writing():
            show_records(part, manner.face)
    if manner.code and manner.face is Face.terminal:
        yield Part(text.taken(), seen)
        seen = 0
    with text.writing():
        show_foot(step, last, manner)
    yield Part(text.taken(), seen)


def show_title(number: str, title: str, face: Face) -> None:
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("step", number, title) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_title

        print_title(f"{number}  {title}".strip(), "", output())
        show_line()


def parts_of(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records up to each question, so that what follows it stays hidden until it is answered."""
    part: list[Record] = []
    for record in records:
        if isinstance(record, Question):
            yield part
            part = []
        part.append(record)
    yield part


def trailing_links(records: Sequence[Record]) -> list[Record]:
    """The links with which a step ends; they belong to its last lines."""
    count = next((i for i, record in enumerate(reversed(records)) if not isinstance(record, See)), len(records))
    return list(records[len(records) - count :])


def show_foot(step: Step, last: Sequence[Record], manner: Manner) -> None:
    """What to change, and the code that ran: its place, or with `code` its source."""
    face, code = manner.face, manner.code
    targets = [record for record in step.records if isinstance(record, Code)]
    if face is Face.plain:
        from tfx_cli.render.plain import line

        for words in step.what_if:
            write(line("what if", words) + "\n")
        show_records(targets, face)
        if code:
            for target in targets:
                show_source(target)
        return
    from tfx_cli.render.terminal_records import print_foot

    print_foot(last, step.what_if, targets, code, output())


def show_source(target: Code) -> None:
    from tfx_cli.render.source_code import source_of

    write("".join(f"source\t{line}\n" for line in source_of(target.target).splitlines()))
