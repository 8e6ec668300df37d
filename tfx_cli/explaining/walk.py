"""Shows a lesson: step by step for a person, all steps for a pipe, or as one page to read; the course map too.

A step is run when it is shown, so what comes before a step that fails is on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tfx.records import Code, Question, Record, Step, Text
from tfx_cli.options import Face
from tfx_cli.render.show import show_records
from tfx_cli.terminal.console import interactive, output
from tfx_cli.terminal.lines import show_line, write

if TYPE_CHECKING:
    from lessons.course import Module
    from lessons.walk import Walk


def show_walk(topic: str, steps: Walk, chosen: Sequence[int], face: Face, code: bool, predict: bool) -> bool:
    """Shows the chosen steps; one screen at a time where somebody sits at a terminal and there is more than one.

    Returns whether the last one was reached.
    """

    def show(index: int, with_code: bool) -> None:
        number = f"{chosen[index] + 1}/{len(steps)}"
        show_step(number, steps[chosen[index]], face, code or with_code, predict)

    if face is Face.terminal and len(chosen) > 1 and interactive():
        from tfx_cli.terminal.pager import page_through

        return page_through(len(chosen), show, lambda index: f"tfx explain {topic} --step {steps.names[chosen[index]]}")
    for index in range(len(chosen)):
        if index and face is Face.terminal:
            show_line()
        show(index, False)
    return True


def show_page(title: str, steps: Walk, chosen: Sequence[int], face: Face, code: bool) -> bool:
    """The same text as one page: a heading for each step, and what there is to try at the end of each."""
    if face is Face.plain:
        for index in chosen:
            show_step(f"{index + 1}/{len(steps)}", steps[index], face, code, predict=False)
        return True
    from tfx_cli.render.terminal_records import print_title

    print_title(title, "", output())
    for index in chosen:
        show_line()
        show_step("", steps[index], face, code, predict=False)
    return True


def show_step(number: str, step: Step, face: Face, code: bool, predict: bool) -> None:
    """One step: title, records, what to try, and the code it ran.  number: `3/8`, or nothing on a page."""
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("step", number, step.title) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_title

        print_title(f"{number}  {step.title}".strip(), "", output())
        show_line()
    records = [record for record in step.records if not isinstance(record, Code)]
    for part in parts_of(records) if predict else [records]:
        if part and isinstance(part[0], Question) and predict:
            ask(part[0], face)
            part = part[1:]
            if part and face is Face.terminal:
                show_line()
        show_records(part, face)
    show_foot(step, face, code)


def parts_of(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records up to each question, so that what follows it stays hidden until it is answered."""
    part: list[Record] = []
    for record in records:
        if isinstance(record, Question):
            yield part
            part = []
        part.append(record)
    yield part


def ask(question: Question, face: Face) -> None:
    """Asks for the number until it can be read, and says right or wrong; Enter alone shows the answer.

    Without a terminal the answer follows the question.
    """
    from lessons.answers import Unreadable
    from tfx_cli.explaining.predict import show_answer, show_question, verdict

    show_question(question, face)
    if face is not Face.terminal or not interactive():
        show_answer(question, face)
        return
    while True:
        try:
            said = verdict(question, input("  > "))
            break
        except Unreadable as problem:
            show_records([Text(f"{problem}  Enter alone shows the answer.")], face)
    show_records([Text(said)], face)


def show_foot(step: Step, face: Face, code: bool) -> None:
    """What to change, and the code that ran: its place, or with `code` its source."""
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

    print_foot(step.what_if, targets, code, output())


def show_source(target: Code) -> None:
    from tfx_cli.render.source_code import source_of

    write("".join(f"source\t{line}\n" for line in source_of(target.target).splitlines()))


def show_course(modules: Sequence[Module], face: Face) -> None:
    """The course map."""
    if face is Face.plain:
        from tfx_cli.render.plain import line

        for module in modules:
            write(line("module", module.number, module.title, module.about) + "\n")
            for topic in module.topics:
                write(line("topic", topic.name, topic.title, f"{topic.minutes} min", ", ".join(topic.aliases)) + "\n")
        return
    from tfx_cli.render.terminal_lists import print_course

    print_course(modules)
