"""float16 in, float16 out, float32 inside.

    @in_float32
    def name_forward(x, gamma): ...

float16 has eleven bits and ends at 65504: squares overflow from 256 on, a sum of ones stops at 2048, a polynomial with
large coefficients is inf - inf.  So an operation that is given float16 computes in float32 and rounds its results once.
What it keeps for its backward stays float32, and is marked, so that the gradients come back in float16 too.  The first
float array decides: float16 beside float32 positions or states gives float16.  Any other dtype passes untouched.

Source: Micikevicius et al. 2018, "Mixed Precision Training", which adds up reductions in float32.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

HALF = np.dtype("float16")
WIDE = np.dtype("float32")
DOUBLE = np.dtype("float64")


def in_float32(function: Callable[P, R]) -> Callable[P, R]:
    """The same operation, computed in float32 where its first float array is float16.

    Where it is given no array, as the gradient of a loss is not, the cache decides: it may have come from float16.
    """

    @functools.wraps(function)
    def computed(*args: P.args, **kwargs: P.kwargs) -> R:
        kind = getattr(args[0], "dtype", None) if args else None
        if kind is WIDE or kind is DOUBLE or not _from_half(args, kwargs):  # the first two: no time for more
            return function(*args, **kwargs)
        raised = {name: _raised(given) for name, given in kwargs.items()}
        return _rounded(function(*map(_raised, args), **raised))

    return computed


def _from_half(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the first float array, or the cache before it, is or was float16."""
    for given in (*args, *kwargs.values()):
        if isinstance(given, FromHalf):
            return True
        dtype = getattr(given, "dtype", None)
        if dtype is not None and dtype.kind in "fc" and given.ndim:
            return bool(dtype == HALF)
    return False


class FromHalf:
    """What marks a cache whose forward was given float16."""

    __slots__ = ()


def as_given(cache: Any, kept: Any) -> Any:
    """What a cache keeps, in the dtype that its forward was given: for what goes on outside, such as a last state."""
    return kept.astype(HALF) if isinstance(cache, FromHalf) else kept


@functools.cache
def _marked(kind: Any) -> Any:
    """The same kind of cache, marked."""
    return type(kind.__name__, (kind, FromHalf), {"__slots__": (), "__module__": kind.__module__})


def _raised(given: Any) -> Any:
    """float16 arrays, also in lists and tuples, as float32; caches, and stores of keys and values, as they are."""
    if getattr(given, "dtype", None) == HALF:
        return given.astype(WIDE)
    return given if _is_cache(given) or hasattr(given, "followed_by") else _in_parts(given, _raised)


def _rounded(result: Any) -> Any:
    """float32 results as float16; caches marked."""
    if getattr(result, "dtype", None) == WIDE:
        return result.astype(HALF)
    if _is_cache(result):
        return result if isinstance(result, FromHalf) else _marked(result.__class__)._make(result)
    return _in_parts(result, _rounded)


def _in_parts(given: Any, change: Callable[[Any], Any]) -> Any:
    """A list or a tuple with its parts changed; anything else as it is."""
    if isinstance(given, list):
        return [change(part) for part in given]
    if isinstance(given, tuple):
        parts = [change(part) for part in given]
        return type(given)._make(parts) if hasattr(given, "_make") else tuple(parts)
    return given


def _is_cache(given: Any) -> bool:
    return isinstance(given, tuple) and type(given).__name__.endswith("Cache")
