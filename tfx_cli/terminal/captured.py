"""What is meant for stdout, kept as text first: a pager has to know how tall it is."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO, NamedTuple


class Part(NamedTuple):
    """Lines for the screen.  seen: how many of them, at the start, stand there already because somebody typed them."""

    text: str
    seen: int = 0


class LikeStdout(io.StringIO):
    """Text that answers as the stream does for which it stands: colours and glyphs are judged by the same facts."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "ascii"

    def isatty(self) -> bool:
        return self._stream.isatty()


class Captured:
    """Collects what is written inside `writing()`, until it is taken."""

    def __init__(self) -> None:
        self._text = ""

    @contextmanager
    def writing(self) -> Iterator[None]:
        stream = LikeStdout(sys.stdout)
        with redirect_stdout(stream):
            yield
        self._text += stream.getvalue()

    def taken(self) -> str:
        text, self._text = self._text, ""
        return text
