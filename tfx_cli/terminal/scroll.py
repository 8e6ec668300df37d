"""A text that may be taller than the screen: shown from its top, a screenful at a time.

Where a screenful begins inside a block of columns, the heads of these are written once more above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tfx_cli.terminal.captured import Part
from tfx_cli.terminal.console import height, rows, width
from tfx_cli.terminal.lines import write

#: rows below a screenful: a blank one and the keys
FOOT = 2
NO_HEADS = range(0)


class Scroll:
    """The lines, as far as they are known, and the screenful that is shown.

    Parts are asked for when all lines before them are on the screen: the next may wait for an answer.
    """

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts = parts
        self._lines: list[str] = []
        self._heads: dict[int, range] = {}
        self._tops = [0]
        self._last_part = 0
        self._shown = 0  # lines from the first on, without a gap
        self.end = 0
        self.finished = False

    @property
    def at_top(self) -> bool:
        return len(self._tops) == 1

    @property
    def more(self) -> bool:
        """Whether there are lines below the screenful."""
        return self.end < len(self._lines) or not self.finished

    @property
    def all_shown(self) -> bool:
        """Whether every line has been on the screen, and none was jumped over."""
        return self.finished and self._shown == len(self._lines)

    def show(self) -> None:
        """Writes the screenful, and what comes next while there is room for it."""
        self.end = self._tops[-1]
        self._put(self.heads_over(self.end))
        self._write(self.end)
        while self.end == len(self._lines) and not self.finished:
            self._pull()
        if self._tops[-1] <= self._shown:
            self._shown = max(self._shown, self.end)

    def forward(self) -> None:
        """The next screenful; it starts with something."""
        top = self.end
        while top < len(self._lines) - 1 and not self._lines[top].strip():
            top += 1
        if self._shown == self.end:
            self._shown = top
        self._tops.append(top)

    def back(self) -> None:
        self._tops.pop()

    def to_last_part(self) -> None:
        """All parts, and the screenful at the start of the last one."""
        while not self.finished:
            self._take()
        if self.end_of(0) < len(self._lines):
            self.end = self._last_part
            self.forward()

    def heads_over(self, top: int) -> range:
        """The column heads that a screenful from `top` would be without."""
        return self._heads.get(top, NO_HEADS)

    def end_of(self, top: int) -> int:
        """The line after the last that fits a screenful from `top`; rather a blank one, so that records stay whole, and
        never between column heads and the first line under them."""
        room = max(height() - FOOT - sum(self._rows(line) for line in self.heads_over(top)), 1)
        end, used = top, 0
        while end < len(self._lines) and used + self._rows(end) <= room:
            used += self._rows(end)
            end += 1
        if end < len(self._lines):
            blank = [i for i in range(top + (end - top) // 2, end + 1) if i > top and not self._lines[i].strip()]
            end = blank[-1] if blank else max(end, top + 1)
            heads = self.heads_over(end)
            if end == heads.stop and top < heads.start:
                end = heads.start
        return end

    def _rows(self, line: int) -> int:
        return rows(self._lines[line], width())

    def _take(self) -> int:
        """The next part, and how many of its lines stand on the screen."""
        part = next(self._parts, None)
        if part is None:
            self.finished = True
            return 0
        above = self._last_part = len(self._lines)
        for line, heads in part.heads.items():
            self._heads[above + line] = range(above + heads.start, above + heads.stop)
        self._lines += part.text.removesuffix("\n").split("\n") if part.text else []
        return part.seen

    def _pull(self) -> None:
        start = self.end
        seen = self._take()
        self.end = start + seen
        self._write(self.end)

    def _write(self, start: int) -> None:
        self.end = max(self.end_of(self._tops[-1]), start)
        self._put(range(start, self.end))

    def _put(self, lines: range) -> None:
        write("".join(f"{self._lines[line]}\n" for line in lines))
