"""Known mistakes in tfx/ops/norms/rms_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.rms_norm import rms_norm
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.norms.layer_norm import LayerNormCache, layer_norm_backward
from tfx.ops.norms.rms_norm import RmsNormCache, rms_norm_backward


@wrong_backward(rms_norm)
def rms_is_constant(dy: Any, cache: RmsNormCache) -> Any:
    """The root mean square is taken for a constant.

    Why: By the time a row is divided by it, the root mean square has a name of its own and looks like a given number.
    Hint: Does the divisor of a row depend on the entries of that row?
    """
    return dy * cache.gamma * cache.inv_rms, rms_norm_backward(dy, cache)[1]


@wrong_backward(rms_norm)
def backward_of_layer_norm(dy: Any, cache: RmsNormCache) -> Any:
    """LayerNorm's backward.

    Why: In code RMSNorm is LayerNorm with a line less, so the backward is copied and that line stays in it.
    Hint: Which of LayerNorm's two statistics does RMSNorm not have?
    """
    dx, dgamma, _ = layer_norm_backward(dy, LayerNormCache(cache.xhat, cache.inv_rms, cache.gamma, False, dy))
    return dx, dgamma
