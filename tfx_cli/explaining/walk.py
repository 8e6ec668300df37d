"""Shows a lesson: step by step for a person, all steps for a pipe, or as one page to read.

A step is run when it is shown, so what comes before a step that fails is on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tfx_cli.explaining.manner import Manner
from tfx_cli.explaining.written import written_parts
from tfx_cli.options import Face
from tfx_cli.terminal.captured import Captured, Part
from tfx_cli.terminal.console import output
from tfx_cli.terminal.lines import show_line, write

if TYPE_CHECKING:
    from lessons.walk import Walk
    from tfx.records import Step


def show_walk(steps: Walk, chosen: Sequence[int], manner: Manner) -> None:
    """Shows the chosen steps for a pipe, one after the other."""
    for index in chosen:
        if index != chosen[0] and manner.face is Face.terminal:
            show_line()
        for part in written_parts(f"{index + 1}/{len(steps)}", steps[index], manner, {}):
            write(part.text)


def show_page(
    title: str, steps: Sequence[Step] | Walk, chosen: Sequence[int], manner: Manner, numbers: Sequence[str] = ()
) -> None:
    """The same text as one page: a heading for each step, and what there is to try at the end of each.  A person reads
    it a screenful at a time.  numbers: what stands before each heading, if anything."""

    def parts() -> Iterator[Part]:
        plain, text = manner.face is Face.plain, Captured()
        for index in chosen:
            with text.writing():
                if index == chosen[0] and not plain:
                    show_heading(title)
                if not plain:
                    show_line()
            yield text.part()
            counted = f"{index + 1}/{len(steps)}" if plain else ""
            yield from written_parts(numbers[index] if numbers else counted, steps[index], manner, {})

    if manner.paged:
        from tfx_cli.terminal.pager import page

        page(parts())
        return
    for part in parts():
        write(part.text)


def show_heading(title: str) -> None:
    from tfx_cli.render.terminal_records import print_title

    print_title(title, "", output())
