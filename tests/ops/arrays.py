"""What the tests of the operations share: ways to lay out an array, and the arrays inside a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.strict_device import StrictArray


def _every_second(x: np.ndarray) -> np.ndarray:
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), 7, dtype=x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


#: The same numbers, lying in memory in another way.
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "read-only": lambda x: x.copy(),
    "Fortran order": lambda x: np.asfortranarray(x),
    "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "every second number": _every_second,
}


def laid_out(value: Any, layout: str) -> Any:
    """The array in that layout and read-only; anything else as it is."""
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return value
    array = LAYOUTS[layout](value)
    array.flags.writeable = False
    return array


def arrays_in(value: Any) -> Iterator[Any]:
    """Every array in a result or a cache, in order."""
    if isinstance(value, np.ndarray | np.generic | StrictArray):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays_in(item)


def as_dtype(value: Any, dtype: str) -> Any:
    return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
