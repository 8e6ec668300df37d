"""`g`: to a step of the walk, by its number or its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx.errors import BadInput
from tfx_cli.explaining.predict import Pressed
from tfx_cli.explaining.prompt import answer, ask_line
from tfx_cli.render.wrapping import labelled, packed
from tfx_cli.terminal.console import height, prose_width
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.pager import LEAVE

if TYPE_CHECKING:
    from lessons.walk import Walk

PROMPT = "  go to (number or name, ? lists) > "


def chosen_step(steps: Walk, at: int) -> int | None:
    """The index of the step that the reader names; None to stay.

    Raises EOFError at the end of the input, and Pressed when the reader leaves.
    """
    listed = False
    while True:
        typed = ask_line(PROMPT).strip()
        if typed.lower() in LEAVE and typed not in steps.names:
            raise Pressed("q")
        if typed == "?" or not (typed or listed):
            list_steps(steps, at)
            listed = True
        elif not typed:
            return None
        else:
            try:
                return steps.place(typed)
            except BadInput as problem:
                answer(f"{problem.message[0].upper()}{problem.message[1:]}  ? lists them.")
                listed = False


def list_steps(steps: Walk, at: int) -> None:
    """Every step by number, name and title; where that is more than a screen, without titles."""
    lines = []
    column = max(map(len, steps.names)) + 2
    for index, (name, title) in enumerate(zip(steps.names, steps.titles, strict=True)):
        lines += labelled(f"{index + 1:2} {name}", title, prose_width(), column=column + 3)
    if len(lines) > height() - 4:
        named = packed([f"{index + 1} {name}" for index, name in enumerate(steps.names)], prose_width() - 2)
        lines = [f"  {line}" for line in named.split("\n")]
    for line in lines:
        show_line(line)
    answer(f"You are at {at + 1}.  Enter alone stays here.")
