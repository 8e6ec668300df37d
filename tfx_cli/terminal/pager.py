"""One screen at a time: Enter goes on, b goes back, c shows the code, q leaves.

A step that is taller than the screen is shown from its top, a screenful at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.console import clear_screen, height, rows, width
from tfx_cli.terminal.lines import show_line, write

NEXT = {"\r", "\n", " ", "n", "\x1b[C", "\x1b[B", "\x1b[6~"}
BACK = {"b", "p", "\x7f", "\x1b[D", "\x1b[A", "\x1b[5~"}
LEAVE = {"q", "\x1b", "\x04"}
#: rows below a screenful: a blank one and the keys
FOOT = 2


class Scroll:
    """The lines of one step, as far as they are known, and the screenful that is shown.

    Parts are asked for when all lines before them are on the screen: the next may wait for an answer.
    """

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts = parts
        self._lines: list[str] = []
        self._tops = [0]
        self._end = 0
        self._last_part = 0
        self.finished = False

    @property
    def at_top(self) -> bool:
        return len(self._tops) == 1

    @property
    def more(self) -> bool:
        """Whether there are lines below the screenful."""
        return self._end < len(self._lines) or not self.finished

    def show(self) -> None:
        """Writes the screenful, and what comes next while there is room for it."""
        self._end = self._tops[-1]
        self._write(self._end)
        while self._end == len(self._lines) and not self.finished:
            self._pull()

    def forward(self) -> None:
        """The next screenful; it starts with something."""
        top = self._end
        while top < len(self._lines) - 1 and not self._lines[top].strip():
            top += 1
        self._tops.append(top)

    def back(self) -> None:
        self._tops.pop()

    def to_last_part(self) -> None:
        """All parts, and the screenful at the start of the last one."""
        while not self.finished:
            self._take()
        if self.end_of(0) < len(self._lines):
            self._end = self._last_part
            self.forward()

    def end_of(self, top: int) -> int:
        """The line after the last that fits a screenful from `top`; rather a blank one, so that records stay whole."""
        room = max(height() - FOOT, 1)
        end, used = top, 0
        while end < len(self._lines) and used + rows(self._lines[end], width()) <= room:
            used += rows(self._lines[end], width())
            end += 1
        if end < len(self._lines):
            blank = [i for i in range(top + (end - top) // 2, end + 1) if i > top and not self._lines[i].strip()]
            end = blank[-1] if blank else max(end, top + 1)
        return end

    def _take(self) -> int:
        """The next part, and how many of its lines stand on the screen."""
        part = next(self._parts, None)
        if part is None:
            self.finished = True
            return 0
        self._last_part = len(self._lines)
        self._lines += part.text.removesuffix("\n").split("\n") if part.text else []
        return part.seen

    def _pull(self) -> None:
        start = self._end
        seen = self._take()
        self._end = start + seen
        self._write(self._end)

    def _write(self, start: int) -> None:
        self._end = max(self.end_of(self._tops[-1]), start)
        write("".join(f"{line}\n" for line in self._lines[start : self._end]))


def page_through(
    count: int,
    parts: Callable[[int, bool], Iterator[Part]],
    again: Callable[[int], str],
    seen: Callable[[int], object] = lambda index: None,
) -> bool:
    """Shows `count` steps; `parts(index, with_code)` writes one.  `again(index)` is the command that comes back to it.

    `seen(index)` is called when the end of a step comes on the screen.  Returns whether the last one was reached.
    """
    index, with_code = 0, False
    scroll = Scroll(parts(index, with_code))
    alone = count == 1  # what was asked for by name and fits stays under the command
    while True:
        if not alone:
            clear_screen()
        scroll.show()
        if not scroll.more:
            seen(index)
        if alone and not scroll.more:
            return True
        alone = False
        last = index == count - 1
        onward = "-- more: Enter" if scroll.more else "Enter ends" if last else "Enter next"
        key = ask_key(onward, index > 0 or not scroll.at_top)
        if key in LEAVE:
            show_line(f"  this step again: {again(index)}")
            return last
        if key in NEXT and scroll.more:
            scroll.forward()
        elif key in BACK and not scroll.at_top:
            scroll.back()
        elif key == "c":
            with_code, known = not with_code, scroll.finished
            scroll = Scroll(parts(index, with_code))
            if with_code and known:
                scroll.to_last_part()
        else:
            index, with_code = index + (1 if key in NEXT else -1), False
            if index == count:
                return True
            scroll = Scroll(parts(index, with_code))


def ask_key(onward: str, can_go_back: bool) -> str:
    """Prints the keys, waits for one of them, and takes the line away again."""
    from tfx_cli.terminal.keys import single_keys

    words = [onward, *(["b back"] if can_go_back else []), "c code", "q leave"]
    gap = next((gap for gap in ("   ", "  ", " ") if len("  " + gap.join(words)) < width()), " ")
    line = "  " + gap.join(words) + " "
    known = NEXT | LEAVE | {"c"} | (BACK if can_go_back else set())
    write("\n")
    with single_keys() as next_key:
        while True:
            write(line)
            key = next_key() or "q"
            write("\r" + " " * len(line) + "\r")
            key = key if key.startswith("\x1b") else key.lower()
            if key in known:
                return key
