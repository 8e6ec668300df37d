"""Squareplus: a smooth relu without an exponential.

    y = (x + sqrt(x^2 + b)) / 2

For b = 0 it is relu, whose kink a positive b rounds off.

Derivation.  With r = sqrt(x^2 + b),

    dr/dx = x / r      so dx = dy (1 + x / r) / 2

Source: Barron 2021, "Squareplus: A Softplus-Like Algebraic Rectifier", equation 1.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of


class SquareplusCache(NamedTuple):
    x: Array
    root: Array


def squareplus_forward(x: Array, b: float = 4.0) -> tuple[Array, SquareplusCache]:
    """x: any shape, float -> y of the same shape and dtype, cache.  Raises ValueError unless b is positive."""
    if not b > 0:
        raise ValueError(f"b must be positive, not {b}")
    root = xp_of(x).sqrt(x * x + b)
    return (x + root) / 2, SquareplusCache(x, root)


def squareplus_backward(dy: Array, cache: SquareplusCache) -> Array:
    """dy: shape of x -> dx."""
    x, root = cache
    return dy * (1 + x / root) / 2  # y = (x + sqrt(x^2 + b)) / 2
