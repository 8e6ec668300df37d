"""One step as text: its title, its records with the questions among them, what to try, and the code that it ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tfx.records import Code, Matrix, Question, Record, See, Source, Step, Text
from tfx_cli.explaining.folding import folded
from tfx_cli.explaining.keys_page import IN_ANSWERS
from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.predict import Answered, ask, show_answer, show_answered, show_question
from tfx_cli.explaining.step_code import show_code
from tfx_cli.options import Face
from tfx_cli.render.show import show_records
from tfx_cli.terminal.captured import Captured, Part
from tfx_cli.terminal.console import output
from tfx_cli.terminal.lines import show_line, write

#: what was typed and said, for every question that has been answered
Answers = dict[Question, Answered]


def written_parts(
    number: str, step: Step, manner: Manner, answers: Answers, aside: str = "", note: str = ""
) -> Iterator[Part]:
    """The text of one step: title, records, what to try, and the code it ran.  number: `3/8`, or nothing on a page;
    aside: at the right end of the title, where there is room; note: said under the title.

    What follows a question is a part of its own, written when the question has been answered, and so is the code.
    """
    records: list[Record] = [record for record in step.records if not isinstance(record, Code)]
    if manner.details or not manner.screen:
        records = [replace(record, focus=()) if isinstance(record, Matrix) else record for record in records]
    last: list[Record] = []
    if manner.face is Face.terminal:
        records, held = (records, []) if manner.details else folded(records)
        links = trailing_links(records)
        sources = [record for record in links if isinstance(record, Source)]
        records = records[: len(records) - len(links)]
        last = [*sources, *held, *(record for record in links if isinstance(record, See))]
    text, seen = Captured(), 0
    with text.writing():
        show_title(number, step.title, aside, manner.face)
        if note:
            show_records([Text(note)], manner.face)
            show_line()
    for part in parts_of(records) if manner.predict else [records]:
        question = part[0] if part else None
        if isinstance(question, Question) and manner.predict:
            part = part[1:]
            with text.writing():
                show_question(question, manner.face, first=manner.asks and not answers)
            if manner.asks and question not in answers:
                yield text.part(seen)
                answers[question] = ask(question, IN_ANSWERS)
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
    coded = manner.face is Face.terminal and (manner.code or manner.short)
    with text.writing():
        show_foot(step, last, manner, with_places=not coded)
    yield text.part(seen)
    if coded:
        with text.writing():
            show_code(step, manner)
        yield text.part()


def show_title(number: str, title: str, aside: str, face: Face) -> None:
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("step", number, title) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_title

        print_title(f"{number}  {title}".strip(), aside, output(), dropped=True)
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
    """The links and papers with which a step ends; they belong to its last lines."""
    count = next((i for i, one in enumerate(reversed(records)) if not isinstance(one, See | Source)), len(records))
    return list(records[len(records) - count :])


def show_foot(step: Step, last: Sequence[Record], manner: Manner, with_places: bool) -> None:
    """What held, where to go on, what to change, and where the code is that ran."""
    targets = [record for record in step.records if isinstance(record, Code)]
    if manner.face is Face.plain:
        from tfx_cli.render.plain import line

        for words in step.what_if:
            write(line("what if", words) + "\n")
        for words in step.to_write:
            write(line("write it", words) + "\n")
        show_records(targets, manner.face)
        if manner.code:
            for target in targets:
                show_plain_source(target)
        return
    from tfx_cli.render.terminal_records import print_foot

    print_foot(last, step, targets if with_places else [], output())


def show_plain_source(target: Code) -> None:
    from tfx_cli.render.source_code import source_of

    write("".join(f"source\t{line}\n" for line in source_of(target.target).splitlines()))
