"""What a call costs: the bytes that it holds at once, and the operations that are done in arrays.

Operations inside matrix products and einsum count two each, a product and a sum; other functions of an array one for
each number that comes out.  Loops over plain numbers are not counted, so that they are never too many.
It needs NumPy and the standard library alone: the child process loads this file by its path.
"""

from __future__ import annotations

import copy
import math
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Cost(NamedTuple):
    """bytes: the most that was held at once beside the arguments; flops: of array operations."""

    bytes: int
    flops: int


class Counting(np.ndarray):
    """An array; whatever is computed from it counts."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **more: Any) -> Any:
        given = [_plain(one) for one in inputs]
        if out is not None:
            more["out"] = tuple(map(_plain, out))
        found = getattr(ufunc, method)(*given, **more)
        if ufunc is np.matmul:
            COUNTED.append(2 * np.size(found) * given[0].shape[-1])
        else:
            COUNTED.append(max(np.size(found), np.size(given[0]) if method == "reduce" else 0))
        return _counting(found)

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other, out)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.einsum and args and isinstance(args[0], str):
            COUNTED.append(_einsum(args[0], [np.shape(one) for one in args[1:]]))
            return _counting(function(*map(_plain, args), **kwargs))
        if function in (np.dot, np.inner, np.tensordot, np.vdot):
            found = function(*map(_plain, args), **kwargs)
            shared = math.sqrt(np.size(args[0]) * np.size(args[1]) / max(np.size(found), 1))  # sizes of the joined axes
            COUNTED.append(round(2 * np.size(found) * shared))
            return _counting(found)
        return super().__array_function__(function, types, args, kwargs)


COUNTED: list[int] = []


def _plain(one: Any) -> Any:
    return one.view(np.ndarray) if isinstance(one, Counting) else one


def _counting(found: Any) -> Any:
    return found.view(Counting) if isinstance(found, np.ndarray) else found


def _einsum(labels: str, shapes: list[tuple[int, ...]]) -> int:
    """Two for each combination of all labels."""
    sizes: dict[str, int] = {}
    for axes, shape in zip(labels.replace(" ", "").partition("->")[0].split(","), shapes, strict=False):
        before, dots, behind = axes.partition("...")
        front = shape[len(before) : len(shape) - len(behind)] if dots else ()
        sizes |= dict(zip(before, shape, strict=False))
        sizes |= dict(zip(behind[::-1], shape[::-1], strict=False))
        sizes["..."] = max(sizes.get("...", 1), math.prod(front))
    return 2 * math.prod(sizes.values())


def cost_of(function: Callable[..., Any], arguments: dict[str, Any], counting: bool = True) -> Cost:
    """Two calls: one for the bytes, one with arrays that count.  Without `counting`, and where the second call raises,
    there are 0 operations."""
    given = copy.deepcopy(arguments)
    tracemalloc.start()
    try:
        with np.errstate(all="ignore"):
            function(**given)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    COUNTED.clear()
    try:
        with np.errstate(all="ignore"):
            if counting:
                function(**{name: _counting(copy.deepcopy(one)) for name, one in arguments.items()})
    except Exception:
        COUNTED.clear()
    return Cost(peak, sum(COUNTED))
