"""Arrays with metadata in one .npz file, without pickle.

An .npz is a zip of .npy files, so anybody can open it with np.load(path, allow_pickle=False).  The metadata is JSON,
stored as an array of bytes.  Entries are stored in the given order with a fixed date: equal content, equal bytes.

Writing is atomic: a temporary file in the same folder, fsync, then os.replace.  A full disk, a crash or Ctrl-C leaves
the old file as it was.
"""

from __future__ import annotations

import errno
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

from tfx.backend import Array, to_numpy
from tfx.errors import BadInput, EnvironmentProblem
from tfx.io.whole_file import whole_file

META = "__meta__"
FORMAT = "tfx-npz"
VERSION = 1


class DamagedFile(BadInput):
    """The file exists but is not one that tfx wrote, or not whole."""


def save(path: str | Path, arrays: Mapping[str, Array], meta: Mapping[str, Any], new: bool = False) -> None:
    """Writes numeric or boolean arrays and JSON-able metadata to `path`, replacing what was there only on success.

    new: nothing is replaced; raises FileExistsError when the name is taken.

    Raises TypeError for object arrays (they would need pickle), ValueError for metadata with NaN or infinity or for
    an array named like the metadata, EnvironmentProblem when the folder or disk refuses.
    """
    path = Path(path)
    if META in arrays:
        raise ValueError(f"an array may not be called {META}")
    host = {name: to_numpy(array) for name, array in arrays.items()}
    for name, array in host.items():
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} has dtype {array.dtype}; only numbers and booleans are stored")
    text = json.dumps({"format": FORMAT, "version": VERSION, "meta": meta}, allow_nan=False, sort_keys=True)
    try:
        with whole_file(path, new) as file:
            _write_entries(file, [(META, np.frombuffer(text.encode(), dtype=np.uint8)), *host.items()])
    except FileExistsError:
        raise
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else (problem.strerror or str(problem))
        kept = " The file that was there is unchanged." if path.exists() else ""
        raise EnvironmentProblem(
            f"cannot write {path}: {reason}.{kept}", "Free some space or choose another path, then run it again."
        ) from problem


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads what `save` wrote: arrays by name, and the metadata.

    Raises BadInput when there is no such file, DamagedFile when it is cut short, changed or not from tfx, and
    EnvironmentProblem when it cannot be read.
    """
    path = Path(path)
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would be waited for
        raise BadInput(f"{path} is no file, so there is nothing to load.", "Check the path.")
    try:
        with zipfile.ZipFile(path) as archive:
            _require_stored(archive, path.stat().st_size)
            arrays = {entry.filename.removesuffix(".npy"): _read_entry(archive, entry) for entry in archive.infolist()}
            header = json.loads(arrays.pop(META).tobytes())
        if header["format"] != FORMAT or not isinstance(header["meta"], dict):
            raise ValueError("foreign header")
        version = header["version"]
    except _Foreign as problem:
        raise DamagedFile(
            f"{path} is damaged or was not written by tfx: {problem}.", "Give a file that tfx has written."
        ) from problem
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}.", "Check the path.") from None
    except OSError as problem:
        raise EnvironmentProblem(f"cannot read {path}: {problem.strerror or problem}.", "Check the path.") from problem
    except _DAMAGE as problem:
        raise DamagedFile(
            f"{path} is damaged or was not written by tfx ({type(problem).__name__}).",
            "Write it again with the command that made it, or restore a copy.",
        ) from problem
    if version != VERSION:
        raise DamagedFile(f"{path} has format version {version}; this tfx reads {VERSION}.", "Update tfx.")
    return arrays, header["meta"]


#: Everything that reading a damaged zip, .npy header or JSON text can raise.
_DAMAGE = (
    ArithmeticError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    IndexError,
)


class _Foreign(ValueError):
    """What no file of tfx has; the message says what."""


def _require_stored(archive: zipfile.ZipFile, size: int) -> None:
    """Raises _Foreign for what would take more memory than the file has bytes, before anything is read.

    `save` compresses nothing, so that a packed entry, which may stand for a thousand times its size, is not ours.
    """
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _Foreign("its entries are compressed")
    if sum(entry.file_size for entry in entries) > size:
        raise _Foreign("its entries claim more bytes than the file has")
    if len({entry.filename for entry in entries}) != len(entries):
        raise _Foreign("it has two entries of one name")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        _require_fitting_header(file, entry)
    with archive.open(entry) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):  # reading to the end is what makes zipfile compare the checksum
            raise ValueError(f"{entry.filename} is longer than its header says")
    return array


def _require_fitting_header(file: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """Raises ValueError when an array says that it is larger than its entry: NumPy would make room for it first."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = readers[np.lib.format.read_magic(file)](file)
    if dtype.kind not in "fiub":
        raise _Foreign(f"it holds more than numbers and booleans: {dtype}")
    if math.prod(shape) * dtype.itemsize != entry.file_size - file.tell():
        raise ValueError(f"{entry.filename} is not as long as its header says")


def require_finite(arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Raises DamagedFile when an array holds NaN or infinity: no training and no model goes on from there."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DamagedFile(
                f"{path} holds a NaN or an infinity, in {name}.", "Go back to a file from before that, or train anew."
            )


def _write_entries(file: BinaryIO, entries: Iterable[tuple[str, np.ndarray]]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in entries:
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)  # also ()
