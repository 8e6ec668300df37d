"""The residual connection around a sub-layer f, and where its normalisation stands.

    "pre"     y = x + f(norm(x))      nothing stands on the path from y back to x, so gradients pass unchanged
    "post"    y = norm(x + f(x))      the original: every block normalises that path, and deep stacks need a warm-up
    "inner"   y = x + norm(f(x))      a third design, at times printed as "post": the branch has a fixed size whatever f
                                      does; Swin V2 calls it res-post-norm

Dropout acts on f's output, and stochastic depth leaves the whole branch out for some samples.  A block calls `enter`
before the sub-layer and `leave` after it, and undoes them with `leave_backward` and `enter_backward`.

Derivation.  x is used twice, by the branch and by the sum, so its gradient is a sum of two: `leave_backward` gives the
sum's share and what goes into f, `enter_backward` what comes out of f's input.
Sources: Vaswani et al. 2017, sections 3.1 and 5.4; pre-LN: Xiong et al. 2020, "On Layer Normalization in the
Transformer Architecture"; the third: Liu et al. 2022, "Swin Transformer V2", section 3.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.nn.block_settings import PlainBlockSettings
from tfx.nn.dropout import Dropout
from tfx.nn.normalisation import make_norm
from tfx.nn.stochastic_depth import StochasticDepth
from tfx.ops.basics.dropout import DropoutCache
from tfx.params import Layer


class LeaveCache(NamedTuple):
    dropout: DropoutCache
    path: DropoutCache
    norm: Any  # None when the norm stands in front of the sub-layer


class Residual(Layer):
    """Owns no parameters: the block owns the norms and hands them in."""

    def __init__(self, settings: PlainBlockSettings) -> None:
        self.placement = settings.norm_place
        self.dropout = Dropout(settings.dropout)
        self.path = StochasticDepth(getattr(settings, "drop_path", 0.0))

    def enter(self, norm: Any, x: Array) -> tuple[Array, Any]:
        """x: (B, T, C) -> what the sub-layer reads: (B, T, C)."""
        return norm.forward(x) if self.placement == "pre" else (x, None)

    def enter_backward(self, norm: Any, dread: Array, cache: Any) -> Array:
        """The gradient of what the sub-layer read -> the branch's share of dx."""
        return norm.backward(dread, cache) if self.placement == "pre" else dread

    def leave(self, norm: Any, x: Array, f: Array, rng: Any = None) -> tuple[Array, LeaveCache]:
        """x and the sub-layer's output f: (B, T, C) -> y: (B, T, C)."""
        f, dropout = self.dropout.forward(f, rng)
        norm_cache = None
        if self.placement == "inner":
            f, norm_cache = norm.forward(f)
        f, path = self.path.forward(f, rng)
        y = x + f
        if self.placement == "post":
            y, norm_cache = norm.forward(y)
        return y, LeaveCache(dropout, path, norm_cache)

    def leave_backward(self, norm: Any, dy: Array, cache: LeaveCache) -> tuple[Array, Array]:
        """dy: (B, T, C) -> the sum's share of dx, and df: (B, T, C) each."""
        if self.placement == "post":
            dy = norm.backward(dy, cache.norm)  # y = norm(x + f)
        df = self.path.backward(dy, cache.path)  # y = x + path(f)
        if self.placement == "inner":
            df = norm.backward(df, cache.norm)
        df = self.dropout.backward(df, cache.dropout)
        return dy, df


def block_norm(settings: PlainBlockSettings) -> Any:
    """The norm of a block with these settings."""
    return make_norm(settings.norm, settings.d_model, settings.dtype, settings.eps, settings.bias)
