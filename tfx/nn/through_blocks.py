"""Blocks on top of each other: each reads what the one below it gave, and backward goes down again.

x_l = block_l(x_(l-1), given_l)           l = 1 .. L
dx_(l-1) = block_l'(dx_l)                 l = L .. 1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tfx.backend import Array


def forward_through(blocks: Sequence[Any], x: Array, given: Iterable[tuple[Any, ...]]) -> tuple[Array, tuple[Any, ...]]:
    """x -> what the last block gave, and the cache of each.  given: the other arguments of each block's forward.

    Raises ValueError when they are not for as many blocks.
    """
    caches = []
    for block, arguments in zip(blocks, given, strict=True):
        x, cache = block.forward(x, *arguments)
        caches.append(cache)
    return x, tuple(caches)


def backward_through(blocks: Sequence[Any], dx: Array, caches: Sequence[Any]) -> Array:
    """The gradient of what the last block gave -> that of what the first one read."""
    for block, cache in zip(reversed(blocks), reversed(caches), strict=True):
        dx = block.backward(dx, cache)
    return dx
