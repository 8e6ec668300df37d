"""A residual block of one dilated causal convolution: what self-attention and its feed-forward network do in one.

    h = convolution(norm(x))           K taps, `dilation` apart, that mix places and channels; no place sees its future
    f = activation(h) W + b            a map of every place by itself: a convolution of one tap
    y = x + dropout(f)

An attention reaches every place in one step and weighs them by content; a convolution reaches (K - 1) dilation places
back, with weights that depend only on the distance.  Blocks with dilations 1, 2, 4, ... double the reach each time.
Sources: Kalchbrenner et al. 2016, "Neural Machine Translation in Linear Time" (ByteNet), section 3.4 and figure 3: the
normalised residual block; Bai, Kolter and Koltun 2018, "An Empirical Evaluation of Generic Convolutional and Recurrent
Networks for Sequence Modeling" (TCN), section 3, which has two convolutions a block and normalises the weights instead.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.convolution import Convolution1d
from tfx.nn.dropout import Dropout
from tfx.nn.feed_forward import check_activation
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.linear import Linear
from tfx.nn.settings import Settings, size
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.params import Layer


class ConvolutionBlockCache(NamedTuple):
    norm: Any
    convolution: Any  # .state: (B, C, (K - 1) dilation), what the next chunk starts from
    activation: Any
    mix: LinearCache
    dropout: DropoutCache


@dataclass(frozen=True)
class ConvolutionBlockSettings(Settings):
    """kernel: K, taps of the convolution."""

    d_model: int = size(64)
    _: KW_ONLY
    kernel: int = size(3)
    activation: str = "relu"
    dropout: float = 0.0
    dtype: str = "float32"

    def check(self) -> None:
        check_activation(self.activation, gated=False)


class ConvolutionBlock(Layer):
    """Owns norm, convolution: C -> C, and mix: Linear(C, C)."""

    def __init__(self, settings: ConvolutionBlockSettings, dilation: int, rng: np.random.Generator) -> None:
        width, dtype = settings.d_model, settings.dtype
        self.activation = settings.activation
        self.norm = LayerNorm(width, dtype)
        self.convolution = Convolution1d(width, width, settings.kernel, rng, "causal", dilation, dtype=dtype)
        self.mix = Linear(width, width, rng, dtype=dtype)
        self.dropout = Dropout(settings.dropout)

    def forward(self, x: Array, state: Array | None = None, rng: Any = None) -> tuple[Array, ConvolutionBlockCache]:
        """x: (B, T, C) -> y: (B, T, C).  state: that of the chunk before.  rng: dropout, None for evaluation."""
        normed, norm = self.norm.forward(x)
        h, convolution = self.convolution.forward(normed, state)
        a, activation = ACTIVATIONS[self.activation][0](h)
        f, mix = self.mix.forward(a)
        f, dropout = self.dropout.forward(f, rng)
        return x + f, ConvolutionBlockCache(norm, convolution, activation, mix, dropout)

    def backward(self, dy: Array, cache: ConvolutionBlockCache) -> Array:
        """dy: (B, T, C) -> dx: (B, T, C)."""
        df = self.dropout.backward(dy, cache.dropout)  # y = x + dropout(f)
        da = self.mix.backward(df, cache.mix)  # f = mix(a)
        dh = ACTIVATIONS[self.activation][1](da, cache.activation)  # a = activation(h)
        dnormed = self.convolution.backward(dh, cache.convolution)  # h = convolution(normed)
        return dy + self.norm.backward(dnormed, cache.norm)  # normed = norm(x), and y = x + ... again
