"""Known mistakes in tfx/ops/norms/scale_norm.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.norms.scale_norm import scale_norm
from tfx.gradcheck.cases.sizes import C
from tfx.gradcheck.mistake import Mistake
from tfx.ops.norms.scale_norm import ScaleNormCache, scale_norm_backward


def scale_norm_length_is_constant(dy: Any, cache: ScaleNormCache) -> Any:
    _, dg = scale_norm_backward(dy, cache)
    return dy * cache.g * cache.rms.inv_rms / np.sqrt(C), dg


def scale_norm_one_length_for_each_token(dy: Any, cache: ScaleNormCache) -> Any:
    dx, _ = scale_norm_backward(dy, cache)
    return dx, (dy * cache.unit).sum(axis=-1).mean()


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="scale_norm",
        name="length-is-constant",
        says="the length is taken for a constant",
        why="The vector is divided by its length, and the length is treated as a given number.",
        hint="If x grows along its own direction, does the output move?",
        problem=scale_norm,
        wrong_backward=scale_norm_length_is_constant,
    ),
    Mistake(
        op="scale_norm",
        name="gain-averaged",
        says="dg is a mean over the tokens",
        why="One gain for all tokens suggests an average over the tokens.",
        hint="If g grows by 1, how many tokens of the output move?",
        problem=scale_norm,
        wrong_backward=scale_norm_one_length_for_each_token,
    ),
)
