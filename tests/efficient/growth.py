"""How memory and arithmetic grow with the length: the exponent a of T^a, measured by running the code."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Run = Callable[[Any], Any]

WIDTH = 8


class Counting(np.ndarray):
    """An array that counts: multiply-adds of matrix products, and one for each number that any other step makes."""

    work = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **kwargs: Any) -> Any:
        given = [x.view(np.ndarray) if isinstance(x, Counting) else x for x in inputs]
        if out:
            kwargs["out"] = tuple(x.view(np.ndarray) for x in out)
        result = np.asarray(getattr(ufunc, method)(*given, **kwargs))
        Counting.work += result.size * (given[0].shape[-1] if ufunc is np.matmul else 1)
        return result.view(Counting)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(function, types, args, kwargs)
        return result.view(Counting) if isinstance(result, np.ndarray) else result


def operations(run: Run, x: Any) -> int:
    """Arithmetic of `run` on x."""
    before = Counting.work
    run(x.view(Counting))
    return Counting.work - before


def peak_bytes(run: Run, x: Any) -> int:
    """Most memory in use at once while `run` works on x, beyond what was there before."""
    tracemalloc.start()
    try:
        run(x)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def growth(measure: Callable[[Run, Any], int], run: Run, lengths: tuple[int, ...] = (256, 512, 1024, 2048)) -> float:
    """The exponent between the shortest and the longest, for inputs (T, 8)."""
    inputs = [np.random.default_rng(0).standard_normal((length, WIDTH)) for length in lengths]
    measured = [measure(run, x) for x in inputs]
    return math.log(measured[-1] / measured[0]) / math.log(lengths[-1] / lengths[0])


def both_ways(forward: Any, backward: Any, x: Any, **settings: Any) -> None:
    """Self-attention with q = k = v = x, and its backward."""
    out, cache = forward(x, x, x, **settings)
    backward(out, cache)


def attending(forward: Any, backward: Any, **settings: Any) -> Run:
    return partial(both_ways, forward, backward, **settings)
