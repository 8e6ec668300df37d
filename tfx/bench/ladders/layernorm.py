"""LayerNorm of every row, from loops to the library: y = gamma (x - mean) / sqrt(variance + eps) + beta.

Hardly any arithmetic per number: what counts is how often each is read and written, and where it lies then.  The
library's function also keeps the normalised rows, for the backward.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import BLOCK, Ladder, Sizes, library, rung, rungs_of
from tfx.ops.norms.layer_norm import layer_norm_forward

WIDTH = 256  # model width
EPS = 1e-5


@rung(by_number=True)
def loops(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """The formula, number by number.

    Over lists.
    """
    gains, offsets = gamma.tolist(), beta.tolist()
    y = []
    for row in x.tolist():
        mean = sum(row) / len(row)
        variance = sum((number - mean) ** 2 for number in row) / len(row)
        inv_std = 1 / math.sqrt(variance + eps)
        y.append([(number - mean) * inv_std * g + b for number, g, b in zip(row, gains, offsets, strict=True)])
    return np.array(y, dtype=x.dtype).reshape(x.shape)


@rung()
def rows(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """A few NumPy calls per row.

    Why: The loop over the numbers runs in C.
    Price: What is left is the price of a call, several times per row.
    """
    y = np.empty_like(x)
    for i in range(x.shape[0]):
        y[i] = (x[i] - np.mean(x[i])) / np.sqrt(np.var(x[i]) + eps) * gamma + beta
    return y


@rung()
def whole_array(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """The formula, all rows at once.

    Why: The price of a call is paid once and not per row.
    Price: The array is read and written many times over, by temporaries of its size.

    np.var computes the mean, and the differences from it, once more.
    """
    return (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + eps) * gamma + beta


@rung()
def differences_once(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """x - mean is computed once; 1 / sqrt per row and then products.

    Why: np.var computes the mean and the differences a second time. A product is cheaper than a division.
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    inv_std = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    return centred * inv_std * gamma + beta


@rung()
def in_place(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """The result is built where the differences are.

    Why: One array for the result and one for the squares: less to allocate, fewer page faults.
    """
    y = x - x.mean(axis=-1, keepdims=True)
    y *= 1 / np.sqrt((y * y).mean(axis=-1, keepdims=True) + eps)
    y *= gamma
    y += beta
    return y


@rung()
def sums_by_product(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """Means as matrix products with 1 / C.

    Why: BLAS adds in wide registers all the way, a reduction starts anew for every row.
    Price: Sums in another order, so another last digit.
    """
    average = np.full((x.shape[-1], 1), 1 / x.shape[-1], dtype=x.dtype)
    y = x - x @ average
    y *= 1 / np.sqrt((y * y) @ average + eps)
    y *= gamma
    y += beta
    return y


@rung()
def blocks(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """A few rows at a time, all steps, then the next rows.

    Why: Every step after the first finds its numbers in the cache and not in memory.
    Price: Each block pays for all the calls again, and the code has a loop.
    """
    y = np.empty_like(x)
    average = np.full((x.shape[-1], 1), 1 / x.shape[-1], dtype=x.dtype)
    n_rows = max(1, BLOCK // x.shape[-1])
    for start in range(0, x.shape[0], n_rows):
        block, out = x[start : start + n_rows], y[start : start + n_rows]
        np.subtract(block, block @ average, out=out)
        out *= 1 / np.sqrt((out * out) @ average + eps)
        out *= gamma
        out += beta
    return y


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Any, ...]:
    x = rng.standard_normal((size, WIDTH)) * 2 + 1
    gamma, beta = 1 + 0.1 * rng.standard_normal(WIDTH), 0.1 * rng.standard_normal(WIDTH)
    return x.astype(dtype), gamma.astype(dtype), beta.astype(dtype), EPS


def numbers(size: int) -> int:
    """About as many are in the inputs and in the largest arrays that a rung makes of them."""
    return size * WIDTH


RUNGS = rungs_of(
    __name__, library(layer_norm_forward, "It keeps the normalised rows for the backward, in an array of their own.")
)
LADDER = Ladder(
    f"LayerNorm of width {WIDTH}", Sizes("tokens", 2048, 256, 65_536), inputs, RUNGS, numbers, naive="whole array"
)
