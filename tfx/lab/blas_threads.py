"""One thread for matrix products while something is timed.

With several threads a product waits for the slowest of them, and on a machine that does other things too that is 16 ms
now and then, for a product of 0.1 ms.  NumPy's wheels bring their own OpenBLAS, whose C function sets the number of
threads; it is found beside the package.  Other builds (Accelerate, MKL, a distribution's NumPy) are left as they are,
and the number of threads is then unknown here: set OPENBLAS_NUM_THREADS=1, or its equivalent, before starting Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

#: Where wheels keep their libraries: Linux and Windows; macOS.
FOLDERS = ("../numpy.libs", ".dylibs")
#: How builds decorate the names of OpenBLAS: prefix and suffix.
DECORATIONS = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))


class OpenBlas(NamedTuple):
    get: ctypes._NamedFuncPointer
    set: ctypes._NamedFuncPointer


@contextmanager
def one_blas_thread() -> Iterator[int | None]:
    """Yields the number of threads of a matrix product inside: 1, or None where it cannot be known."""
    blas = bundled_openblas()
    if blas is None:
        yield None
        return
    before = blas.get()
    blas.set(1)
    try:
        yield int(blas.get())
    finally:
        blas.set(before)


@cache
def bundled_openblas() -> OpenBlas | None:
    """The OpenBLAS that NumPy has loaded from its own wheel, or None."""
    home = Path(np.__file__).parent
    for folder in FOLDERS:
        for path in sorted((home / folder).glob("*openblas*")):
            library = ctypes.CDLL(str(path))
            for prefix, suffix in DECORATIONS:
                name = f"{prefix}openblas_{{}}_num_threads{suffix}"
                if hasattr(library, name.format("set")) and hasattr(library, name.format("get")):
                    return OpenBlas(getattr(library, name.format("get")), getattr(library, name.format("set")))
    return None
