"""Where an export goes: one file, or a folder with one file for each topic.  What is there already stays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import BadInput, many
from tfx.io.whole_file import whole_file
from tfx_cli.render.files import cannot_write, require_writable, write_whole
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from lessons.course import Topic


def file_for(wanted: Path | None, default: str, ending: str, force: bool) -> Path:
    """The one file of an export.  Raises BadInput when it is there already, EnvironmentProblem when it cannot be."""
    path = wanted or Path(default + ending)
    require_writable(path, (ending,))
    require_free([path], force)
    return path


def files_for(wanted: Path | None, default: str, topics: Sequence[Topic], ending: str, force: bool) -> list[Path]:
    """A file for each topic in one folder, which is made when it is not there.  Raises as `file_for` does."""
    folder = wanted or Path(default)
    if folder.is_file():
        raise BadInput(f'"{on_one_line(folder)}" is a file, and every topic needs its own.', "Name a folder: --to NAME")
    if not folder.is_dir():
        require_writable(folder)
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from None
    paths = [folder / f"{topic.name}{ending}" for topic in topics]
    require_writable(paths[0])
    require_free(paths, force)
    return paths


def require_free(paths: Sequence[Path], force: bool) -> None:
    """Raises BadInput when one of the files is there already and may not be written over."""
    taken = [path for path in paths if os.path.lexists(path)]
    if taken and not force:
        others = f", and {many(len(taken) - 1, 'other')} too" if len(taken) > 1 else ""
        raise there_already(taken[0], others)


def there_already(path: Path, others: str = "") -> BadInput:
    return BadInput(
        f'"{on_one_line(path)}" is there already{others}; nothing was written.',
        "Another place: --to PATH   or over it: --force",
    )


def write(path: Path, data: bytes, force: bool) -> None:
    """The whole file or none.  Without `force` never over a file that came between."""
    if force:
        write_whole(path, data)
        return
    try:
        with whole_file(path, new=True) as file:
            file.write(data)
    except FileExistsError:
        raise there_already(path) from None
    except OSError as error:
        raise cannot_write(path, error) from None


def write_each(
    paths: Sequence[Path], topics: Sequence[Topic], made: Callable[[Topic], bytes], force: bool
) -> Iterator[Path]:
    """Writes one after the other and names each when it is there, so that a stop leaves whole files."""
    for path, topic in zip(paths, topics, strict=True):
        write(path, made(topic), force)
        yield path
