"""The picture of a result as a file: where the reader asked for it, and on a terminal unasked in the current folder.

What nobody asked for overwrites nothing: its name says which settings made it, and a file that is there stays, unless
the same command made it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from tfx.errors import EnvironmentProblem
from tfx.records import Plot
from tfx_cli.render.files import require_writable, write_whole
from tfx_cli.terminal.lines import tell

#: characters of a name before its ending; what is longer ends with a hash of the whole
LONGEST = 60
PNG_START = b"\x89PNG\r\n\x1a\n"


def picture_name(name: str, changed: Mapping[str, object]) -> str:
    """`scaling-scale-1-seed-3.png`: the name, and what differs from the defaults.  changed: as it would be typed; a
    flag has the value True."""
    pieces = [name, *(key if value is True else f"{key}-{readable(str(value))}" for key, value in changed.items())]
    whole = "-".join(pieces)
    if len(whole) > LONGEST:
        whole = f"{whole[: LONGEST - 7].rstrip('-.')}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"
    return f"{whole}.png"


def readable(value: str) -> str:
    """A value in the name of a file: `1-2-4`, `minus-0.5`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"(^|,)-", r"\1minus-", value)).strip("-")


def save_picture(plots: Sequence[Plot], asked_for: Path | None, unasked: Path | None, made_by: str = "") -> Path | None:
    """Saves the plots, if there are any, in `asked_for`, else in `unasked` unless that is None too; returns the path.

    made_by: the command; with it a file that is there and was made by another stays, and the picture gets a number.
    Not being able to save a picture that nobody asked for is no failure.
    """
    path = asked_for or unasked
    if not plots or path is None:
        return None
    from tfx_cli.render.plots import picture_of_plots

    try:
        data = picture_of_plots(plots, path.suffix, made_by)
        if made_by and not asked_for:
            path = next(place for place in numbered(path) if may_replace(place, data, made_by))
        require_writable(path)
        write_whole(path, data)
    except EnvironmentProblem as problem:
        if asked_for:
            raise
        tell(f"no plot saved: {problem.message}  Choose a place: --plot PATH")
        return None
    return path


def numbered(path: Path) -> Iterator[Path]:
    """`scaling.png`, `scaling-2.png`, ..."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")


def may_replace(path: Path, data: bytes, made_by: str) -> bool:
    """Whether nothing is lost there: it is free, holds these bytes, or a picture that the same command made.

    A folder is left to the error that names it.
    """
    if path.is_dir() or not (path.exists() or path.is_symlink()):
        return True
    if not path.is_file():
        return False
    try:
        there = path.read_bytes()
    except OSError:
        return False
    return there == data or maker_of(there) == made_by


def maker_of(png: bytes) -> str | None:
    """The command that a PNG names as its maker; None when it names none, and for what is no PNG."""
    from tfx_cli.render.plots import PNG_MAKER

    at, key = len(PNG_START), PNG_MAKER.encode() + b"\0"
    while png.startswith(PNG_START) and at + 8 <= len(png):  # chunks: length, kind, data, checksum
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data = png[at + 8 : at + 8 + size]
        if kind == b"tEXt" and data.startswith(key):
            return data[len(key) :].decode("latin-1")
        at += 12 + size
    return None
