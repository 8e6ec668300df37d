"""Known mistakes in tfx/ops/norms/scale_norm.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.norms.scale_norm import scale_norm
from tfx.gradcheck.cases.sizes import C
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.norms.scale_norm import ScaleNormCache, scale_norm_backward


@wrong_backward(scale_norm)
def length_is_constant(dy: Any, cache: ScaleNormCache) -> Any:
    """The length is taken for a constant.

    Why: The vector is divided by its length, and the length is treated as a given number.
    Hint: If x grows along its own direction, does the output move?
    """
    _, dg = scale_norm_backward(dy, cache)
    return dy * cache.g * cache.rms.inv_rms / np.sqrt(C), dg


@wrong_backward(scale_norm)
def gain_averaged(dy: Any, cache: ScaleNormCache) -> Any:
    """dg is a mean over the tokens.

    Why: One gain for all tokens suggests an average over the tokens.
    Hint: If g grows by 1, how many tokens of the output move?
    """
    dx, _ = scale_norm_backward(dy, cache)
    return dx, (dy * cache.unit).sum(axis=-1).mean()
