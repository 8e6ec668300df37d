"""Normalisation layers by name: all have the same face, so that a block can take any of them.

y, cache = norm.forward(x)            x: (..., C) -> y: (..., C)
dx = norm.backward(dy, cache)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.nn.layer_norm import LayerNorm
from tfx.nn.rms_norm import RMSNorm
from tfx.nn.scale_norm import ScaleNorm

#: Name -> how to make one of (width, dtype, eps, bias).  RMSNorm and ScaleNorm have no offset to leave out.
NORMS: dict[str, Callable[[int, Any, float, bool], Any]] = {
    "layer_norm": LayerNorm,
    "rms_norm": lambda width, dtype, eps, bias: RMSNorm(width, dtype, eps),
    "scale_norm": lambda width, dtype, eps, bias: ScaleNorm(width, dtype, eps),
}


def make_norm(kind: str, width: int, dtype: Any = "float32", eps: float = 1e-5, bias: bool = True) -> Any:
    """A layer that normalises rows of `width` numbers.  Raises ValueError for an unknown kind."""
    if kind not in NORMS:
        raise ValueError(f'the norm must be one of {", ".join(NORMS)}, not "{kind}"')
    return NORMS[kind](width, dtype, eps, bias)
