"""GELU, from math.erf to the tanh form of the library: x Phi(x), or x (1 + tanh(u)) / 2 with u = s (x + c x^3).

The third step changes the function: the tanh form differs from the exact one by less than 0.0005 everywhere.  The
library's function also keeps what its backward needs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import BLOCK, Ladder, Sizes, library, rung, rungs_of
from tfx.ops.feed_forward.activations import gelu_tanh_forward
from tfx.ops.feed_forward.erf import erf

WIDTH = 1024  # hidden units of a feed-forward layer
SCALE, CUBIC = math.sqrt(2 / math.pi), 0.044715
TAIL = 10.0  # beyond, the tanh form is x or 0 to the last digit of float32
TANH_FORM = 5e-4  # how far the tanh form is from the exact one, at most


@rung(by_number=True)
def loops(x: Array) -> Array:
    """math.erf, number by number.

    Over a list.
    """
    half_root = math.sqrt(0.5)
    y = [0.5 * number * (1 + math.erf(number * half_root)) for number in x.reshape(-1).tolist()]
    return np.array(y, dtype=x.dtype).reshape(x.shape)


@rung(by_number=True)
def vectorize(x: Array) -> Array:
    """np.vectorize(math.erf).

    Why: The arithmetic around it runs on whole arrays.
    Price: np.vectorize is a loop in Python with another name.
    """
    cdf = np.vectorize(math.erf, otypes=[x.dtype])(x * math.sqrt(0.5))
    return 0.5 * x * (1 + cdf)


@rung()
def array_erf(x: Array) -> Array:
    """erf from quotients of polynomials, in NumPy.

    Why: Some sixty passes of simple arithmetic, several numbers per instruction, cost less than one call of Python per
    number.

    The quotients are those of tfx/ops/feed_forward/erf.py.
    """
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


@rung("tanh form", unlike=TANH_FORM)
def power(x: Array) -> Array:
    """The tanh form, as printed, with x**3.

    Why: NumPy has a tanh and no erf.
    Price: It is an approximation; and a general power, such as x**3, takes a logarithm and an exponential.
    """
    return 0.5 * x * (1 + np.tanh(SCALE * (x + CUBIC * x**3)))


@rung("x * x * x")
def products(x: Array) -> Array:
    """x * x * x in place of x**3.

    Why: Two products per number, and no general power.
    """
    return 0.5 * x * (1 + np.tanh(SCALE * (x + CUBIC * (x * x * x))))


@rung()
def in_place(x: Array) -> Array:
    """x taken out of the polynomial; all steps in one array.

    Why: Fewer passes, one new array, fewer page faults, and each step reads what was just written.

    u = x (s + s c x^2), and everything after it in the same array.
    """
    y = x * x
    y *= SCALE * CUBIC
    y += SCALE
    y *= x
    np.tanh(y, out=y)
    y += 1
    y *= x
    y *= 0.5
    return y


@rung()
def one_exp(x: Array) -> Array:
    """(1 + tanh(u)) / 2 as 1 / (1 + exp(-2u)).

    Why: The same function; exp needs fewer instructions per number than tanh.
    Price: It can overflow, so there is a clip, and a second array.
    """
    y = np.clip(x, -TAIL, TAIL)
    u = y * y
    u *= -2 * SCALE * CUBIC
    u += -2 * SCALE
    u *= y
    np.exp(u, out=u)
    u += 1
    np.divide(x, u, out=u)
    return u


@rung(change=f"All steps on {BLOCK} numbers, then on the next.")
def blocks(x: Array) -> Array:
    """The same steps, on as many numbers as stay in the cache.

    Why: Every step after the first finds its numbers in the cache and not in memory.
    Price: Each block pays for all the calls again, and the code has a loop.
    """
    numbers = x.reshape(-1)
    y = np.empty_like(numbers)
    for start in range(0, numbers.size, BLOCK):
        y[start : start + BLOCK] = one_exp(numbers[start : start + BLOCK])
    return y.reshape(x.shape)


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Array]:
    return (rng.standard_normal((size, WIDTH)).astype(dtype) * 2,)


def numbers(size: int) -> int:
    """About as many are in the inputs and in the largest arrays that a rung makes of them."""
    return size * WIDTH


RUNGS = rungs_of(
    __name__, library(gelu_tanh_forward, "It works on the whole array, and keeps the sigmoid for the backward.")
)
LADDER = Ladder(
    f"GELU of {WIDTH} hidden units", Sizes("tokens", 1024, 64, 16_384), inputs, RUNGS, numbers, naive="x * x * x"
)
