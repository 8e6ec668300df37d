"""Shows a walkthrough: step by step for a person, all steps for a pipe; lessons and the course map too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tfx.records import Code, Question, Record, Step
from tfx_cli.options import Face
from tfx_cli.render.show import show_records
from tfx_cli.terminal.console import interactive, output, prose_width, wants_color
from tfx_cli.terminal.lines import show_line, write

if TYPE_CHECKING:
    from lessons.course import Module

Numbered = tuple[int, Step]


def show_walk(name: str, steps: Sequence[Numbered], total: int, face: Face, code: bool, predict: bool) -> bool:
    """Shows the steps; one screen at a time where somebody sits at a terminal and there is more than one.

    Returns whether the last one was reached.
    """
    if face is Face.terminal and len(steps) > 1 and interactive():
        from tfx_cli.terminal.pager import page_through

        return page_through(
            len(steps),
            lambda index, with_code: show_step(*steps[index], total, face, code or with_code, predict),
            f"tfx explain {name} --step",
        )
    for index, (number, step) in enumerate(steps):
        if index and face is Face.terminal:
            show_line()
        show_step(number, step, total, face, code, predict)
    return True


def show_step(number: int, step: Step, total: int, face: Face, code: bool, predict: bool) -> None:
    """One step: title, records, what to try, and the code it ran."""
    if face is Face.plain:
        from tfx_cli.render.plain import line

        write(line("step", f"{number}/{total}", step.title) + "\n")
    else:
        from tfx_cli.render.terminal_records import print_title

        print_title(f"{number}/{total}  {step.title}", "", output())
        show_line()
    shown = [record for record in step.records if not isinstance(record, Code)]
    for part in parts_of(shown) if predict else [shown]:
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
    """Asks for the number and says right or wrong; without a terminal the answer follows the question."""
    from tfx_cli.terminal.predict import show_question, verdict

    show_question(question, face)
    if face is Face.terminal and interactive():
        given = input("  > ")
        show_records_line(verdict(question, given), face)
    else:
        from tfx_cli.terminal.predict import show_answer

        show_answer(question, face)


def show_records_line(text: str, face: Face) -> None:
    from tfx.records import Text

    show_records([Text(text)], face)


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


def show_prose(prose: str, face: Face) -> None:
    """A lesson, laid out for the terminal; as it is for --plain."""
    if face is Face.plain:
        write(prose + "\n")
        return
    from tfx_cli.render.lesson_text import laid_out
    from tfx_cli.render.terminal_records import put

    console = output()
    for line, heading in laid_out(prose, prose_width()):
        put(console, [line], "bold" if heading else "")


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


def clear_screen() -> None:
    """A fresh screen where escape sequences are welcome, else a blank line."""
    import sys

    write("\x1b[H\x1b[2J" if wants_color(sys.stdout) else "\n")
