"""GELU, from math.erf to the tanh form of the library: x Phi(x), or x (1 + tanh(u)) / 2 with u = s (x + c x^3).

The third step changes the function: the tanh form differs from the exact one by less than 0.0005 everywhere.  The
library's function also keeps what its backward needs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import BLOCK, Ladder, Rung, Sizes, copy_of_input, input_and_output
from tfx.ops.feed_forward.activations import gelu_tanh_forward
from tfx.ops.feed_forward.erf import erf

WIDTH = 1024  # hidden units of a feed-forward layer
SCALE, CUBIC = math.sqrt(2 / math.pi), 0.044715
TAIL = 10.0  # beyond, the tanh form is x or 0 to the last digit of float32
TANH_FORM = 5e-4  # how far the tanh form is from the exact one, at most


def loops(x: Array) -> Array:
    """math.erf, number by number, over a list."""
    half_root = math.sqrt(0.5)
    y = [0.5 * number * (1 + math.erf(number * half_root)) for number in x.reshape(-1).tolist()]
    return np.array(y, dtype=x.dtype).reshape(x.shape)


def vectorize(x: Array) -> Array:
    """np.vectorize looks like one call, and calls math.erf once per number."""
    cdf = np.vectorize(math.erf, otypes=[x.dtype])(x * math.sqrt(0.5))
    return 0.5 * x * (1 + cdf)


def array_erf(x: Array) -> Array:
    """erf as quotients of polynomials, made of array arithmetic (tfx/ops/feed_forward/erf.py)."""
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def power(x: Array) -> Array:
    """The tanh form as it is printed, with x**3."""
    return 0.5 * x * (1 + np.tanh(SCALE * (x + CUBIC * x**3)))


def products(x: Array) -> Array:
    """x * x * x: two products, where x**3 asks for a general power."""
    return 0.5 * x * (1 + np.tanh(SCALE * (x + CUBIC * (x * x * x))))


def in_place(x: Array) -> Array:
    """u = x (s + s c x^2) and everything after it in one array."""
    y = x * x
    y *= SCALE * CUBIC
    y += SCALE
    y *= x
    np.tanh(y, out=y)
    y += 1
    y *= x
    y *= 0.5
    return y


def one_exp(x: Array) -> Array:
    """(1 + tanh(u)) / 2 = 1 / (1 + exp(-2u)): NumPy's exp is quicker than its tanh.  Clipped, or exp overflows."""
    y = np.clip(x, -TAIL, TAIL)
    u = y * y
    u *= -2 * SCALE * CUBIC
    u += -2 * SCALE
    u *= y
    np.exp(u, out=u)
    u += 1
    np.divide(x, u, out=u)
    return u


def blocks(x: Array) -> Array:
    """The same steps, on as many numbers as stay in the cache."""
    numbers = x.reshape(-1)
    y = np.empty_like(numbers)
    for start in range(0, numbers.size, BLOCK):
        y[start : start + BLOCK] = one_exp(numbers[start : start + BLOCK])
    return y.reshape(x.shape)


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Array]:
    return (rng.standard_normal((size, WIDTH)).astype(dtype) * 2,)


LADDER = Ladder(
    title=f"GELU of {WIDTH} hidden units",
    sizes=Sizes("tokens", 1024, 64, 16_384),
    inputs=inputs,
    rungs=(
        Rung("loops", loops, "math.erf, number by number.", "", by_number=True),
        Rung(
            "vectorize",
            vectorize,
            "np.vectorize(math.erf).",
            "The arithmetic around it runs on whole arrays.",
            "np.vectorize is a loop in Python with another name.",
            by_number=True,
        ),
        Rung(
            "array erf",
            array_erf,
            "erf from quotients of polynomials, in NumPy.",
            "Some sixty passes of simple arithmetic, several numbers per instruction, cost less than one call of "
            "Python per number.",
        ),
        Rung(
            "tanh form",
            power,
            "The tanh form, as printed, with x**3.",
            "NumPy has a tanh and no erf.",
            "It is an approximation; and a general power, such as x**3, takes a logarithm and an exponential.",
            unlike=TANH_FORM,
        ),
        Rung(
            "x * x * x",
            products,
            "x * x * x in place of x**3.",
            "Two products per number, and no general power.",
        ),
        Rung(
            "in place",
            in_place,
            "x taken out of the polynomial; all steps in one array.",
            "Fewer passes, one new array, fewer page faults, and each step reads what was just written.",
        ),
        Rung(
            "one exp",
            one_exp,
            "(1 + tanh(u)) / 2 as 1 / (1 + exp(-2u)).",
            "The same function; exp needs fewer instructions per number than tanh.",
            "It can overflow, so there is a clip, and a second array.",
        ),
        Rung(
            "blocks",
            blocks,
            f"All steps on {BLOCK} numbers, then on the next.",
            "Every step after the first finds its numbers in the cache and not in memory.",
            "Each block pays for all the calls again, and the code has a loop.",
        ),
        Rung(
            "library",
            gelu_tanh_forward,
            "tfx.ops.feed_forward.activations.gelu_tanh_forward.",
            "",
            "It works on the whole array, and keeps the sigmoid for the backward.",
        ),
    ),
    work=input_and_output,
    numbers=lambda size: size * WIDTH,
    yardstick=("a copy of the numbers", copy_of_input),
    naive="x * x * x",
)
