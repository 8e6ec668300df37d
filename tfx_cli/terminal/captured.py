"""What is meant for stdout, kept as text first: a pager has to know its height and its column heads."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import IO, NamedTuple


class Part(NamedTuple):
    """Lines for the screen.  seen: how many of them, at the start, stand there already because somebody typed them.
    heads: for lines that stand under column heads, the lines of these, all counted from 0 in this part."""

    text: str
    seen: int = 0
    heads: Mapping[int, range] = {}


class LikeStdout(io.StringIO):
    """Text that answers as the stream does for which it stands: colours and glyphs are judged by the same facts."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream
        self.heads: dict[int, range] = {}

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "ascii"

    def isatty(self) -> bool:
        return self._stream.isatty()

    @property
    def lines(self) -> int:
        """How many have been written."""
        return self.getvalue().count("\n")


@contextmanager
def under_heads(count: int = 1) -> Iterator[None]:
    """Of what is written inside, the first `count` lines are the column heads of the others."""
    stream = sys.stdout
    if not isinstance(stream, LikeStdout):
        yield
        return
    start = stream.lines
    yield
    heads = range(start, start + count)
    stream.heads.update(dict.fromkeys(range(heads.stop, stream.lines), heads))


class Captured:
    """Collects what is written inside `writing()`, until it is taken."""

    def __init__(self) -> None:
        self._text = ""
        self._heads: dict[int, range] = {}

    @contextmanager
    def writing(self) -> Iterator[None]:
        stream = LikeStdout(sys.stdout)
        with redirect_stdout(stream):
            yield
        above = self._text.count("\n")
        for line, heads in stream.heads.items():
            self._heads[above + line] = range(above + heads.start, above + heads.stop)
        self._text += stream.getvalue()

    def part(self, seen: int = 0) -> Part:
        """Takes what was collected."""
        part = Part(self._text, seen, self._heads)
        self._text, self._heads = "", {}
        return part
