"""One thread for matrix products: while something is timed, and in workers that share out a batch among the cores.

With several threads a product waits for the slowest of them, and on a machine that does other things too that is 16 ms
now and then, for a product of 0.1 ms.  threadpoolctl finds the BLAS that NumPy has loaded (OpenBLAS, MKL, BLIS).  Where
it finds none (Accelerate), the number of threads is unknown here, and what VECLIB_MAXIMUM_THREADS says holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def blas_threads(n: int) -> Iterator[int | None]:
    """Inside, a matrix product uses n threads.  Yields how many it really uses, or None where that cannot be known."""
    blas = _loaded_blas()
    with blas.limit(limits=n):
        yield max((each["num_threads"] for each in blas.info()), default=None)


@cache
def _loaded_blas() -> Any:
    """The BLAS libraries of this process; looking for them takes milliseconds, and NumPy's is there from the start."""
    import numpy  # noqa: F401  its BLAS has to be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
