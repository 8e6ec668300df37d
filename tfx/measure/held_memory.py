"""Counts the memory that a cache holds until backward has used it.

Arrays that share memory count once: a cache is full of views and of arrays that two layers both keep.  The parameters
of the model live anyway, so they can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfx.params import Layer


def held_bytes(cache: Any, besides: Layer | None = None) -> int:
    """Bytes of every buffer that an array in `cache` keeps alive: named tuples, tuples, lists and mappings are walked.

    besides: a layer whose parameters are not counted.
    """
    found = {id(buffer): buffer for array in _arrays(cache) for buffer in (_buffer(array),)}
    if besides is not None:
        for parameter in besides.parameters().values():
            found.pop(id(_buffer(parameter.value)), None)
    return sum(int(buffer.nbytes) for buffer in found.values())


def _arrays(value: Any) -> Iterator[Any]:
    if hasattr(value, "nbytes") and hasattr(value, "ndim"):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _arrays(item)


def _buffer(array: Any) -> Any:
    """The array that owns the memory: a view keeps all of it alive."""
    while getattr(array, "base", None) is not None and hasattr(array.base, "nbytes"):
        array = array.base
    return array
