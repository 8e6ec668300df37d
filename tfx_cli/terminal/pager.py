"""The keys under a screenful, and a long page read with them: Enter goes on, b goes back, q leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.console import clear_screen, width
from tfx_cli.terminal.lines import write
from tfx_cli.terminal.scroll import Scroll

NEXT = {"\r", "\n", " ", "n", "\x1b[C", "\x1b[B", "\x1b[6~"}
BACK = {"b", "p", "\x7f", "\x1b[D", "\x1b[A", "\x1b[5~"}
LEAVE = {"q", "\x1b", "\x04"}
MORE, SHORT_MORE = "-- more: Enter", "Enter more"


def page(parts: Iterator[Part]) -> None:
    """Shows one long text from its top."""
    scroll = Scroll(parts)
    while True:
        clear_screen()
        scroll.show()
        back = not scroll.at_top
        words = [MORE if scroll.more else "Enter ends", *(["b back"] if back else []), "q leave"]
        key = ask_key([words], NEXT | LEAVE | (BACK if back else set()))
        if key in BACK:
            scroll.back()
        elif key in NEXT and scroll.more:
            scroll.forward()
        else:
            return


def ask_key(choices: Sequence[Sequence[str]], known: set[str]) -> str:
    """Prints the keys, waits for one of those known, and takes the line away again.

    choices: ways to name the keys, the longest first; the first that fits the width is taken, with wide gaps if it can.
    """
    from tfx_cli.terminal.keys import single_keys

    gaps = ("   ", "  ")
    lines = ["  " + gap.join(words) + " " for words in choices for gap in gaps] + ["  " + " ".join(choices[-1]) + " "]
    line = next((line for line in lines if len(line) < width()), lines[-1])
    write("\n")
    with single_keys() as next_key:
        while True:
            write(line)
            try:
                key = next_key() or "q"
            finally:
                write("\r" + " " * len(line) + "\r")
            key = key if key.startswith("\x1b") else key.lower()
            if key in known:
                return key
