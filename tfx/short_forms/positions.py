"""Positions in a few lines.  Derivations: ops/positions/rotary.py and ops/positions/alibi.py."""

from __future__ import annotations

import numpy as np

from tfx.backend import Array
from tfx.ops.positions.alibi import alibi_bias, alibi_slopes
from tfx.ops.positions.rotary import rotary_forward, rotary_tables
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import D, H, S, T


def _turned(rng: np.random.Generator) -> Trial:
    return on(rotary_forward, rng.standard_normal((T, D)), *rotary_tables(np.arange(T), D))


@short_of(rotary_forward, _turned)
def rotary(x: Array, cos: Array, sin: Array) -> Array:
    a, b = np.split(x, 2, axis=-1)  # (T, D) -> (T, D/2) twice: the pairs
    turned = a * cos - b * sin, a * sin + b * cos  # (T, D/2) each
    return np.concatenate(turned, axis=-1)  # -> (T, D)


@short_of(alibi_bias, lambda rng: Trial((np.array(alibi_slopes(H)), T, S), alibi_bias(H, T, S)))
def linear_biases(slopes: Array, queries: int, keys: int) -> Array:
    distance = abs(np.arange(queries)[:, None] - np.arange(keys))  # (T, S)
    return -slopes[:, None, None] * distance  # (T, S) -> (H, T, S)
