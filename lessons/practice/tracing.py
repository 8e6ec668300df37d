"""The values that named variables of a function take while it runs.

It needs NumPy and the standard library alone: the child process loads this file by its path.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np

#: values of one variable that are kept, and numbers of one value
VALUES, NUMBERS = 30, 100_000

_asarray, _settrace = np.asarray, sys.settrace


def values_of(
    function: Callable[..., Any],
    arguments: dict[str, Any],
    names: Sequence[str],
    as_array: Callable[[Any], Any] | None = None,
) -> dict[str, list[Any]]:
    """Name -> the numbers that the variable of `function` held, one array for each change, in order.

    The first call of the function is followed, line by line.  What it raises is not raised here.  as_array: makes what
    NumPy can read of a value.
    """
    code = getattr(function, "__code__", None)
    seen: dict[str, list[Any]] = {}
    followed: list[FrameType] = []

    def called(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code is code and not followed:
            followed.append(frame)
            return line
        return None

    def line(frame: FrameType, event: str, arg: Any) -> Any:
        held = frame.f_locals
        for name in names:
            if name in held:
                _note(seen.setdefault(name, []), as_array(held[name]) if as_array else held[name])
        return line

    before = sys.gettrace()
    _settrace(called)
    try:
        with np.errstate(all="ignore"):
            function(**arguments)
    except Exception:
        return seen
    finally:
        _settrace(before)
    return seen


def _note(values: list[Any], value: Any) -> None:
    """Keeps a value that is not the last one, as an array of its own."""
    if not isinstance(value, np.ndarray | np.number | int | float) or len(values) >= VALUES:
        return
    array = _asarray(value)
    if array.dtype.kind not in "biufc" or array.size > NUMBERS:
        return
    if not values or values[-1].shape != array.shape or values[-1].tobytes() != array.tobytes():
        values.append(array.copy())
