"""NormalFloat, 4 bits: sixteen levels where a normal distribution has its numbers, instead of at equal distances.

    level_i = quantile of the normal distribution, divided by the largest            -1 ... 0 ... 1
    w_hat = s level[code]                 s = max|w| of the group, code = the nearest level

Trained weights are about normal, and equal distances waste codes on the tails.  Levels at equally probable quantiles
would have no 0, so the negative side has seven quantiles, the positive one eight, and 0 stands between.  The outermost
probability is 1 - (1/32 + 1/30) / 2, halfway between what 16 and what 15 levels would ask for.
Source: Dettmers et al. 2023, "QLoRA: Efficient Finetuning of Quantized LLMs", section 3 and appendix E.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.ops.small_numbers.quantisation import in_groups


class NormalFloat(NamedTuple):
    codes: Array  # (I, J) uint8, 0 .. 15
    scale: Array  # (G, 1, J)


def _levels() -> np.ndarray:
    outermost = 1 - (1 / 32 + 1 / 30) / 2
    above, below = np.linspace(outermost, 0.5, 9)[:-1], np.linspace(outermost, 0.5, 8)[:-1]
    normal = NormalDist()
    levels = [normal.inv_cdf(p) for p in above.tolist()] + [0.0] + [-normal.inv_cdf(p) for p in below.tolist()]
    return np.sort(levels) / max(levels)


#: The sixteen levels, from -1 to 1.
LEVELS = _levels()


def quantise_normal(w: Array, group: int = 64) -> NormalFloat:
    """w: (I, J) -> codes and one scale for `group` rows of a column.  Raises ValueError as quantise does."""
    xp = xp_of(w)
    blocks = in_groups(w, "group", group)
    largest = xp.abs(blocks).max(axis=1, keepdims=True)
    scale = xp.where(largest > 0, largest, 1).astype(w.dtype)
    borders = xp.asarray((LEVELS[1:] + LEVELS[:-1]) / 2)
    codes = xp.searchsorted(borders, (blocks / scale).astype("float64"))
    return NormalFloat(codes.astype("uint8").reshape(w.shape), scale)


def dequantise_normal(quantised: NormalFloat) -> Array:
    """-> w_hat: (I, J)."""
    codes, scale = quantised
    levels = xp_of(codes).asarray(LEVELS).astype(scale.dtype)
    blocks = levels[codes.astype("int64")].reshape(scale.shape[0], -1, codes.shape[1])
    return (scale * blocks).reshape(codes.shape)
