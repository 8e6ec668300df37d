"""Conformer: attention for what is far, a convolution for what is near, between two half feed-forward networks.

    x1 = x + feed_forward1(norm(x)) / 2
    x2 = x1 + attention(norm(x1))                     relative positions, both ways (nn/relative_attention.py)
    x3 = x2 + convolution(x2)                         ConvolutionModule, below
    y  = norm(x3 + feed_forward2(norm(x3)) / 2)

    ConvolutionModule    g = glu(norm(x) W_1)         pointwise, C -> 2 C, one half gates the other
                         d = depthwise(g)             K taps, each feature by itself
                         y = swish(norm(d)) W_2       the norm is a BatchNorm; pointwise, C -> C

Two half steps around attention are one step of an ODE solver cut in two (Strang's splitting), as in Macaron networks.

Derivation.  Each line adds a branch to the path, so each backward adds the branch's gradient to the path's, last line
first; the factor 1/2 of a branch is a factor of its gradient.
Sources: Gulati et al. 2020, "Conformer: Convolution-augmented Transformer for Speech Recognition", section 2, equation
1 and figures 1 and 2; half steps: Lu et al. 2019, "Understanding and Improving Transformer From a Multi-Particle
Dynamic System Point of View".
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.branch import Branch, BranchCache
from tfx.nn.convolution import Convolution1d
from tfx.nn.dropout import Dropout
from tfx.nn.feed_forward import FeedForward
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.normalisation import make_norm
from tfx.nn.relative_attention import RelativeAttention
from tfx.nn.running_norm import RunningNorm
from tfx.nn.settings import Settings, size
from tfx.ops.attention.masks import Mask
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.gated import SplitGluCache, split_glu_backward, split_glu_forward
from tfx.ops.norms.token_statistics import kept
from tfx.params import Layer

#: swish, as the paper calls silu
_SWISH_FORWARD, _SWISH_BACKWARD = ACTIVATIONS["silu"]


class ConvolutionModuleCache(NamedTuple):
    norm: Any
    widen: LinearCache
    glu: SplitGluCache
    keep: Mask
    depthwise: Any
    inner_norm: Any
    swish: Any
    narrow: LinearCache
    dropout: DropoutCache


class ConformerBlockCache(NamedTuple):
    first: BranchCache
    attention: BranchCache
    convolution: ConvolutionModuleCache
    second: BranchCache
    norm: Any


@dataclass(frozen=True)
class ConformerSettings(Settings):
    """kernel: K of the depthwise convolution, odd in the paper, so that a place sees as far back as ahead.

    inner_norm: that of the convolution module, "batch_norm" or another name of nn/normalisation.py.
    """

    d_model: int = size(64)
    n_heads: int = size(4)
    d_ff: int = size(256)
    kernel: int = size(31)
    _: KW_ONLY
    inner_norm: str = "batch_norm"
    dropout: float = 0.0
    dtype: str = "float32"


class ConvolutionModule(Layer):
    """Owns norm, widen: Linear(C, 2 C), depthwise: Convolution1d, inner_norm and narrow: Linear(C, C).

    Of the settings it reads the kernel, the inner norm, the width and dropout.
    """

    def __init__(self, settings: ConformerSettings, rng: np.random.Generator) -> None:
        width, dtype = settings.d_model, settings.dtype
        self.norm = LayerNorm(width, dtype)
        self.widen = Linear(width, 2 * width, rng, dtype=dtype)
        self.depthwise = Convolution1d(width, width, settings.kernel, rng, "same", groups=width, dtype=dtype)
        self.inner_norm = make_norm(settings.inner_norm, width, dtype)
        self.takes_keep = isinstance(self.inner_norm, RunningNorm)
        self.narrow = Linear(width, width, rng, dtype=dtype)
        self.dropout = Dropout(settings.dropout)

    def forward(self, x: Array, keep: Mask = None, rng: Any = None) -> tuple[Array, ConvolutionModuleCache]:
        """x: (B, T, C) -> y: (B, T, C).  keep: (B, T) bool, True = a real token; the others are heard by nobody."""
        if x.ndim != 3:
            raise ValueError(f"x must be (batch, length, width), not {x.shape}")
        if keep is not None and keep.shape != x.shape[:-1]:
            raise ValueError(f"keep is {keep.shape} but x has tokens {x.shape[:-1]}")
        if keep is not None:
            x = kept(x, keep[..., None])  # filling may hold anything, NaN included
        normed, norm = self.norm.forward(x)
        wide, widen = self.widen.forward(normed)
        g, glu = split_glu_forward(wide)
        if keep is not None:
            g = g * keep[..., None]
        d, depthwise = self.depthwise.forward(g)
        n, inner_norm = self.inner_norm.forward(d, keep) if self.takes_keep else self.inner_norm.forward(d)
        s, swish = _SWISH_FORWARD(n)
        y, narrow = self.narrow.forward(s)
        y, dropout = self.dropout.forward(y, rng)
        return y, ConvolutionModuleCache(norm, widen, glu, keep, depthwise, inner_norm, swish, narrow, dropout)

    def backward(self, dy: Array, cache: ConvolutionModuleCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        ds = self.narrow.backward(self.dropout.backward(dy, cache.dropout), cache.narrow)  # y = dropout(s W_2 + b_2)
        dn = _SWISH_BACKWARD(ds, cache.swish)  # s = swish(n)
        dd = self.inner_norm.backward(dn, cache.inner_norm)  # n = inner_norm(d)
        dg = self.depthwise.backward(dd, cache.depthwise)  # d = depthwise(g)
        if cache.keep is not None:
            dg = dg * cache.keep[..., None]  # g = g * keep
        dwide = split_glu_backward(dg, cache.glu)  # g = glu(wide)
        return self.norm.backward(self.widen.backward(dwide, cache.widen), cache.norm)  # wide = norm(x) W_1 + b_1


class ConformerBlock(Layer):
    """Owns four norms, feed_forward1, attention, convolution and feed_forward2.

    Raises ValueError when the heads do not divide the width.
    """

    def __init__(self, settings: ConformerSettings, rng: np.random.Generator) -> None:
        width, d_ff, dropout, dtype = settings.d_model, settings.d_ff, settings.dropout, settings.dtype
        self.norm1 = LayerNorm(width, dtype)
        self.feed_forward1 = FeedForward(width, d_ff, rng, "silu", dtype)
        self.norm2 = LayerNorm(width, dtype)
        self.attention = RelativeAttention(width, settings.n_heads, rng, causal=False, dropout=dropout, dtype=dtype)
        self.convolution = ConvolutionModule(settings, rng)
        self.norm3 = LayerNorm(width, dtype)
        self.feed_forward2 = FeedForward(width, d_ff, rng, "silu", dtype)
        self.norm4 = LayerNorm(width, dtype)
        self.dropout = Dropout(dropout)

    def forward(self, x: Array, keep: Mask = None, rng: Any = None) -> tuple[Array, ConformerBlockCache]:
        """x: (B, T, C) -> y: (B, T, C).  keep: (B, T) bool, True = a real token.  rng: dropout."""
        first, attention, second = self._branches()
        f1, first_cache = first.forward(x, rng)
        x = x + 0.5 * f1
        a, attention_cache = attention.forward(x, rng, mask=None if keep is None else keep[:, None, None, :])
        x = x + a
        c, convolution = self.convolution.forward(x, keep, rng)
        x = x + c
        f2, second_cache = second.forward(x, rng)
        y, norm4 = self.norm4.forward(x + 0.5 * f2)
        return y, ConformerBlockCache(first_cache, attention_cache, convolution, second_cache, norm4)

    def backward(self, dy: Array, cache: ConformerBlockCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        first, attention, second = self._branches()
        dx = self.norm4.backward(dy, cache.norm)  # y = norm4(x + f2 / 2)
        dx = dx + second.backward(0.5 * dx, cache.second)
        dx = dx + self.convolution.backward(dx, cache.convolution)  # x = x + convolution(x)
        dx = dx + attention.backward(dx, cache.attention)  # x = x + a
        return dx + first.backward(0.5 * dx, cache.first)  # x = x + f1 / 2

    def _branches(self) -> tuple[Branch, Branch, Branch]:
        return (
            Branch(self.norm1, self.feed_forward1, self.dropout),
            Branch(self.norm2, self.attention, self.dropout),
            Branch(self.norm3, self.feed_forward2, self.dropout),
        )
