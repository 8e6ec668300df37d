"""One screen at a time: Enter goes on, b goes back, c shows the code, q leaves."""

from __future__ import annotations

from collections.abc import Callable

from tfx_cli.terminal.console import clear_screen
from tfx_cli.terminal.lines import show_line, write

NEXT = {"\r", "\n", " ", "n", "\x1b[C", "\x1b[B", "\x1b[6~"}
BACK = {"b", "p", "\x7f", "\x1b[D", "\x1b[A", "\x1b[5~"}
LEAVE = {"q", "\x1b", "\x04"}


def page_through(count: int, show: Callable[[int, bool], None], again: Callable[[int], str]) -> bool:
    """Shows `count` screens; `show(index, with_code)` draws one.  `again(index)` is the command that comes back to it.

    Returns whether the last one was reached.
    """
    index, with_code = 0, False
    draw = True
    while index < count:
        if draw:
            clear_screen()
            show(index, with_code)
        key = ask_key("Enter ends" if index == count - 1 else "Enter next", index > 0)
        draw = True
        if key in NEXT:
            index, with_code = index + 1, False
        elif key in BACK:
            draw = index > 0
            index, with_code = max(index - 1, 0), False
        elif key == "c":
            with_code = not with_code
        elif key in LEAVE:
            show_line(f"  this step again: {again(index)}")
            return index == count - 1
        else:
            draw = False
    return True


def ask_key(onward: str, can_go_back: bool) -> str:
    """Prints the keys, waits for one, and takes the line away again."""
    from tfx_cli.terminal.keys import single_keys

    line = f"  {onward}   " + ("b back   " if can_go_back else "") + "c code   q leave "
    with single_keys() as next_key:
        write("\n" + line)
        key = next_key() or "q"
        write("\r" + " " * len(line) + "\r")
    return key if key.startswith("\x1b") else key.lower()
