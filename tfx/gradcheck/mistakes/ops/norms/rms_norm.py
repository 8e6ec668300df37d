"""Known mistakes in tfx/ops/norms/rms_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.rms_norm import rms_norm
from tfx.gradcheck.mistake import Mistake
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward
from tfx.ops.norms.rms_norm import RmsNormCache, rms_norm_backward


def rms_norm_rms_is_constant(dy: Any, cache: RmsNormCache) -> Any:
    return dy * cache.gamma * cache.inv_rms, rms_norm_backward(dy, cache)[1]


def rms_norm_also_centred(dy: Any, cache: RmsNormCache) -> Any:
    """LayerNorm's backward, copied and not changed."""
    dx, dgamma, _ = layer_norm_backward(dy, LayerNormCache(cache.xhat, cache.inv_rms, cache.gamma, False, dy))
    return dx, dgamma


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="rms_norm",
        name="rms-is-constant",
        says="the root mean square is taken for a constant",
        why="Dividing by a number that was computed before looks like a change of scale.",
        hint="Does the divisor of a row depend on the entries of that row?",
        problem=rms_norm,
        wrong_backward=rms_norm_rms_is_constant,
    ),
    Mistake(
        op="rms_norm",
        name="backward-of-layer-norm",
        says="LayerNorm's backward",
        why="RMSNorm is close to LayerNorm, so its backward is copied and not changed.",
        hint="Which of LayerNorm's two statistics does RMSNorm not have?",
        problem=rms_norm,
        wrong_backward=rms_norm_also_centred,
    ),
)
