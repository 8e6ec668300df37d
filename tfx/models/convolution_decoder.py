"""ConvolutionDecoder: a language model of dilated causal convolutions, the rival of attention that has no attention.

    x = dropout(embedding(ids) sqrt(C))                 (B, T) -> (B, T, C)
    x = block(x), with dilation 1, 2, 4, ...            place t sees places t - (K - 1) dilation .. t of the block below
    logits = norm(x) W + b, or norm(x) E^T when tied    logits[:, t] are about the token at t + 1

It needs no positions: a kernel knows how far away each of its taps is.  Training sees all places at once, as with
attention, and costs T instead of T^2; but nothing further back than `receptive_field` can matter, however useful.
Written token by token it keeps the last (K - 1) dilation places of each block and nothing else (`states`).
Sources: van den Oord et al. 2016, "WaveNet", section 2.1; Kalchbrenner et al. 2016 (ByteNet); Bai, Kolter and Koltun
2018 (TCN), section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.convolution_block import ConvolutionBlock, ConvolutionBlockCache, ConvolutionBlockSettings
from tfx.nn.embedding import Embedding
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.settings import size
from tfx.nn.through_blocks import backward_through, forward_through
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.nn.token_output import TokenOutput
from tfx.ops.grids.convolution_axes import receptive_field


class ConvolutionDecoderCache(NamedTuple):
    input: TokenInputCache
    blocks: tuple[ConvolutionBlockCache, ...]
    norm: Any
    output: Any

    @property
    def states(self) -> tuple[Array, ...]:
        """What the next chunk of the same sequence starts from, block by block."""
        return tuple(block.convolution.state for block in self.blocks)


@dataclass(frozen=True)
class ConvolutionDecoderSettings(ConvolutionBlockSettings, Vocabulary):
    """kernel: K, taps of every convolution.  dilations: one for each block.  tied: the output shares the embedding."""

    _: KW_ONLY
    dilations: tuple[int, ...] = size((1, 2, 4, 8))
    tied: bool = True
    seed: int = size(0, 0)

    def check(self) -> None:
        super().check()
        if not isinstance(self.dilations, tuple):
            raise TypeError(f"dilations must be one number for each block, not {self.dilations!r}")


@buildable
class ConvolutionDecoder(Model):
    """Settings as in ConvolutionDecoderSettings."""

    settings_type = ConvolutionDecoderSettings
    remembers, batch_axis = "state", 0

    def make(self, settings: ConvolutionDecoderSettings, rng: np.random.Generator) -> None:
        width, dtype = settings.d_model, settings.dtype
        self.embedding = Embedding(settings.vocab, width, rng, dtype)
        self.input = TokenInput(self.embedding, "none", 0, rng, settings.dropout, dtype)
        self.blocks = [ConvolutionBlock(settings, dilation, rng) for dilation in settings.dilations]
        self.norm = LayerNorm(width, dtype)
        self.output = TokenOutput(self.embedding, settings.vocab, settings.tied, rng, dtype)

    @property
    def receptive_field(self) -> int:
        """How many tokens, the last one included, a prediction can see."""
        convolutions = [block.convolution for block in self.blocks]
        return receptive_field([c.w.shape[-1] for c in convolutions], [c.dilation for c in convolutions])

    def forward(
        self, ids: Array, states: Sequence[Array] | None = None, rng: Any = None
    ) -> tuple[Array, ConvolutionDecoderCache]:
        """ids: (B, T) integers -> logits: (B, T, V).

        states: cache.states of the chunk before; None at the start.  rng: dropout in training, None in evaluation.
        """
        x, input_cache = self.input.forward(ids, rng)
        x, caches = forward_through(self.blocks, x, ((one, rng) for one in states or [None] * len(self.blocks)))
        hidden, norm = self.norm.forward(x)
        logits, output = self.output.forward(hidden)
        return logits, ConvolutionDecoderCache(input_cache, caches, norm, output)

    def step(self, ids: Array, states: Sequence[Array] | None) -> tuple[Array, tuple[Array, ...]]:
        """The next ids: (B, T) -> logits: (B, T, V), and the last (K - 1) dilation places of each block."""
        logits, cache = self.forward(ids, states)
        return logits, cache.states

    def backward(self, dlogits: Array, cache: ConvolutionDecoderCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter; states that came in count as constants."""
        dx = self.norm.backward(self.output.backward(dlogits, cache.output), cache.norm)  # logits = output(norm(x))
        dx = backward_through(self.blocks, dx, cache.blocks)
        self.input.backward(dx, cache.input)  # x = input(ids)
