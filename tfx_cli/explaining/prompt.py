"""A line that the reader types in the middle of a screen."""

from __future__ import annotations

import sys

from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line, write

PROMPT = "  > "


def ask_line(prompt: str = PROMPT) -> str:
    """What was typed.  Raises EOFError at the end of input (Ctrl-D) and KeyboardInterrupt, on a line of its own each.

    A byte that is no text in the terminal's encoding is read as a question mark.
    """
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        write("\n")
        raise


def answer_lines(text: str) -> list[str]:
    """What is said to it, as lines for the screen."""
    return [f"  {line}" for line in wrapped(text, prose_width() - 2)]


def answer(text: str) -> None:
    for line in answer_lines(text):
        show_line(line)
