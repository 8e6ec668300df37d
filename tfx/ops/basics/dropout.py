"""Dropout: while training, each number is set to 0 with probability `rate`, and the others grow to make up for it.

    y = x * m          m = 0 with probability rate, else 1 / (1 - rate)

Because the mean of m is 1, the mean of y is x, and nothing has to change when dropout is switched off ("inverted"
dropout).  The multiplier is drawn apart from the operation, so the operation stays a pure function of its inputs.

Derivation.  m does not depend on x, so dx = dy * m: a number that was dropped gets no gradient.
Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", section 10.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.half import in_float32


class DropoutCache(NamedTuple):
    multiplier: Array | None


def dropout_mask(shape: tuple[int, ...], rate: float, rng: Any, dtype: Any = "float64", xp: Any = np) -> Array:
    """-> multiplier of that shape, 0 or 1 / (1 - rate).

    rng: a Generator; a NumPy one gives the same numbers on every device.  Raises ValueError unless 0 <= rate < 1.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"dropout rate must be at least 0 and below 1, not {rate}")
    kept = xp.asarray(rng.random(shape) >= rate)
    return kept.astype(dtype) * (1.0 / (1.0 - rate))


def kept_logits(shape: tuple[int, ...], rate: float, rng: Any, xp: Any = np) -> Array:
    """-> boolean of that shape, False with probability `rate`: dropout of logits, to be joined to an attention mask.

    A blocked score leaves before the softmax, so the other weights of its row still sum to 1; dropout of the weights
    themselves comes after it, and their sum is 1 only on average.  There is nothing to rescale.
    Source: Li et al. 2023, "DropKey for Vision Transformer", section 3.2.  Raises ValueError unless 0 <= rate < 1.
    """
    return dropout_mask(shape, rate, rng, "float64", xp) > 0


@in_float32
def dropout_forward(x: Array, multiplier: Array | None) -> tuple[Array, DropoutCache]:
    """x: any shape, multiplier: broadcastable to it, or None outside training -> y in the shape of x, cache."""
    y = x if multiplier is None else x * multiplier
    return y, DropoutCache(multiplier)


@in_float32
def dropout_backward(dy: Array, cache: DropoutCache) -> Array:
    """dy: shape of x -> dx."""
    return dy if cache.multiplier is None else dy * cache.multiplier  # y = x * multiplier
