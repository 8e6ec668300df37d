"""Caches read as data: every array that a forward pass kept, by name, and a cache with some of its parts exchanged.

A layer holds no activations; its forward returns them as nested NamedTuples.  So whatever a model computed can be asked
for by the names of the fields that lead to it, with nothing hooked into the model:

    kept = arrays_by_name(cache)                  after logits, cache = model.forward(ids)
    kept["blocks.1.attention.attention.q"]        (B, H, T, D)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tfx.backend import Array

Kind = TypeVar("Kind")


def arrays_by_name(cache: Any) -> dict[str, Array]:
    """Every array in a nested cache, by the fields and places that lead to it, joined by dots; places count from 0."""
    found: dict[str, Array] = {}

    def visit(part: Any, path: tuple[str, ...]) -> None:
        if hasattr(part, "dtype") and hasattr(part, "shape"):
            found[".".join(path)] = part
        elif isinstance(part, tuple):
            names = getattr(part, "_fields", None) or map(str, range(len(part)))
            for name, inner in zip(names, part, strict=True):
                visit(inner, (*path, name))

    visit(cache, ())
    return found


def exchanged(cache: Any, kind: type[Kind], change: Callable[[Kind], Kind]) -> Any:
    """The same cache with `change(part)` for every part of that kind, from the input to the output.

    Arrays are shared and nothing is written to.  What stands below an exchanged part is left to `change`.
    """
    if isinstance(cache, kind):
        return change(cache)
    if not isinstance(cache, tuple):
        return cache
    parts = [exchanged(part, kind, change) for part in cache]
    return cache._make(parts) if hasattr(cache, "_make") else tuple(parts)
