"""Softmax of every row, from loops to the library: y = exp(x - max) / sum exp(x - max).

The library's function does more than the rungs below it: it takes any axis, and rows that are blocked everywhere.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import BLOCK, Ladder, Sizes, library, rung, rungs_of
from tfx.ops.basics.softmax import softmax_forward

WIDTH = 512  # numbers in a row


@rung(by_number=True)
def loops(x: Array) -> Array:
    """The formula, number by number."""
    y = np.empty_like(x)
    rows, width = x.shape
    for i in range(rows):
        top = max(x[i, j] for j in range(width))
        total = 0.0
        for j in range(width):
            y[i, j] = math.exp(x[i, j] - top)
            total += y[i, j]
        for j in range(width):
            y[i, j] /= total
    return y


@rung(by_number=True)
def lists(x: Array) -> Array:
    """The same loops over Python lists.

    Why: x[i, j] builds a NumPy scalar each time; a list hands out the number that it holds.
    """
    y = []
    for row in x.tolist():
        top = max(row)
        exps = [math.exp(number - top) for number in row]
        total = sum(exps)
        y.append([e / total for e in exps])
    return np.array(y, dtype=x.dtype).reshape(x.shape)


@rung()
def rows(x: Array) -> Array:
    """A NumPy call per row and step.

    Why: The loop over the numbers runs in C, and exp takes several numbers per instruction.
    """
    y = np.empty_like(x)
    for i in range(x.shape[0]):
        e = np.exp(x[i] - x[i].max())
        y[i] = e / e.sum()
    return y


@rung()
def whole_array(x: Array) -> Array:
    """One call for all rows.

    Why: The price of a call is paid once and not per row.
    Price: Temporaries as large as x leave the cache, and fresh memory costs page faults.

    Three new arrays of x's size, two of them alive at once.
    """
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@rung()
def in_place(x: Array) -> Array:
    """Each step writes over the one before.

    Why: One new array and not three: less to allocate, fewer page faults, and what is read was just written.
    """
    y = x - x.max(axis=-1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=-1, keepdims=True)
    return y


@rung()
def sums_by_product(x: Array) -> Array:
    """Row sums as a matrix product with ones; 1 / sum is a factor.

    Why: BLAS adds in wide registers all the way, a reduction starts anew for every row; and a product is cheaper than a
    division.
    Price: Sums in another order, so another last digit.
    """
    y = x - x.max(axis=-1, keepdims=True)
    np.exp(y, out=y)
    y *= 1 / (y @ np.ones((x.shape[-1], 1), dtype=x.dtype))
    return y


@rung()
def blocks(x: Array) -> Array:
    """A few rows at a time, all steps, then the next rows.

    Why: Every step after the first finds its numbers in the cache and not in memory.
    Price: Each block pays for all the calls again, and the code has a loop.
    """
    y = np.empty_like(x)
    ones = np.ones((x.shape[-1], 1), dtype=x.dtype)
    n_rows = max(1, BLOCK // x.shape[-1])
    for start in range(0, x.shape[0], n_rows):
        block, out = x[start : start + n_rows], y[start : start + n_rows]
        np.subtract(block, block.max(axis=-1, keepdims=True), out=out)
        np.exp(out, out=out)
        out *= 1 / (out @ ones)
    return y


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Array]:
    return (rng.standard_normal((size, WIDTH)).astype(dtype) * 2,)


def numbers(size: int) -> int:
    """About as many are in the inputs and in the largest arrays that a rung makes of them."""
    return size * WIDTH


RUNGS = rungs_of(
    __name__,
    library(softmax_forward, "It takes any axis and rows that are blocked everywhere, and reads like the formula."),
)
LADDER = Ladder(
    f"Softmax of rows of {WIDTH}", Sizes("rows", 1024, 128, 65_536), inputs, RUNGS, numbers, naive="whole array"
)
