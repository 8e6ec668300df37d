"""Stochastic depth: while training, the branch of a residual block is left out at random, sample by sample.

    y = x + m f(x)          m = 0 with probability `rate`, else 1 (as published) or 1 / (1 - rate) (rescaled)

A block whose branch is left out is the identity, so every step trains a shallower network than the one that is used
in the end.  The mean of m is 1 - rate as published, and evaluation has to multiply the branch by that number; rescaled,
the mean is 1 and evaluation uses the branch as it is.  m has one number per sample, shape (B, 1, 1): dropout of whole
branches ("drop path").  Blocks near the input carry what all others build on, so the rate grows with depth:

    rate_l = l / L * rate_L          l = 1 .. L, the linear decay of the survival probability

LayerDrop takes the same idea to whole layers and whole batches: one draw says whether a layer runs at all, so the
work is saved, nothing is rescaled, and a network trained that way can be cut after training: with rate p every layer
number d, counted from 0, with d = 0 modulo floor(1 / p) goes, for p = 1/2 every other one.

Derivation.  m does not depend on x, so with b = f(x): dx = dy and db = m dy.  A sample whose branch was left out gives
that branch no gradient, and its gradient reaches x undimmed.
Sources: Huang et al. 2016, "Deep Networks with Stochastic Depth", equations 2, 4 and 5; LayerDrop: Fan, Grave and
Joulin 2020, "Reducing Transformer Depth on Demand with Structured Dropout", sections 3.2 and 3.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.dropout import DropoutCache, dropout_backward, dropout_forward, dropout_mask


class StochasticDepthCache(NamedTuple):
    branch: DropoutCache


def branch_multiplier(
    shape: tuple[int, ...], rate: float, rng: Any, rescaled: bool = True, dtype: Any = "float64", xp: Any = np
) -> Array:
    """-> m of that shape, usually (B, 1, 1): 0 where the branch is left out, else 1 / (1 - rate), or 1 if not rescaled.

    rng: a Generator; a NumPy one gives the same numbers on every device.  Raises ValueError unless 0 <= rate < 1.
    """
    multiplier = dropout_mask(shape, rate, rng, dtype, xp)
    return multiplier if rescaled else (multiplier > 0).astype(dtype)


@in_float32
def stochastic_depth_forward(x: Array, branch: Array, multiplier: Array | None) -> tuple[Array, StochasticDepthCache]:
    """x, branch: (B, T, C), multiplier: broadcastable to them, or None for 1 -> y = x + multiplier * branch, cache.

    Raises ValueError when x and branch differ in shape.
    """
    if x.shape != branch.shape:
        raise ValueError(f"the residual is {x.shape} but its branch is {branch.shape}")
    kept, cache = dropout_forward(branch, multiplier)
    return x + kept, StochasticDepthCache(cache)


@in_float32
def stochastic_depth_backward(dy: Array, cache: StochasticDepthCache) -> tuple[Array, Array]:
    """dy: (B, T, C) -> dx, dbranch: (B, T, C)."""
    dbranch = dropout_backward(dy, cache.branch)  # y = ... + multiplier * branch
    return dy, dbranch  # y = x + ...


def linear_decay_rates(n_layers: int, last_rate: float) -> tuple[float, ...]:
    """The rate of each of L blocks, l / L * last_rate for l = 1 .. L.

    Raises ValueError unless 0 <= last_rate < 1 and n_layers >= 0.
    """
    if whole_number("n_layers", n_layers) < 0 or not 0.0 <= last_rate < 1.0:
        raise ValueError(f"there is no decay over {n_layers} layers down to a rate of {last_rate}")
    return tuple(layer / n_layers * last_rate for layer in range(1, n_layers + 1))


def layers_left_after_pruning(n_layers: int, rate: float) -> tuple[int, ...]:
    """The layers, counted from 0, that a LayerDrop network keeps when it is cut for its rate.

    Raises ValueError unless 0 <= rate <= 1/2: beyond that, "every other" would mean every one.
    """
    if not 0.0 <= rate <= 0.5:
        raise ValueError(f"pruning every n-th layer needs a rate from 0 to 1/2, not {rate}")
    if rate == 0:
        return tuple(range(n_layers))
    every = int(1.0 / rate)
    return tuple(layer for layer in range(n_layers) if layer % every)
