"""Transformer-XL: a language model that reads a long text in segments and remembers what its layers read before.

    x = dropout(embedding(ids) sqrt(C))               no positions: attention knows distances
    hidden, memory' = blocks(x, memory)               nn/segment_memory.py; the memory is a constant
    logits = hidden W + b, or hidden E^T when tied

Source: Dai et al. 2019, "Transformer-XL: Attentive Language Models Beyond a Fixed-Length Context".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.embedding import Embedding
from tfx.nn.segment_memory import SegmentMemorySettings, SegmentMemoryStack, SegmentMemoryStackCache
from tfx.nn.settings import size
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.nn.token_output import TokenOutput
from tfx.ops.basics.embedding import TiedLogitsCache
from tfx.ops.basics.linear import LinearCache


class TransformerXLModelCache(NamedTuple):
    input: TokenInputCache
    stack: SegmentMemoryStackCache
    output: TiedLogitsCache | LinearCache

    @property
    def memory(self) -> tuple[Array, ...]:
        """What the next segment takes, one (B, up to M, C) for each block."""
        return self.stack.memory


@dataclass(frozen=True)
class TransformerXLSettings(SegmentMemorySettings, Vocabulary):
    """tied: the output shares the embedding."""

    _: KW_ONLY
    tied: bool = True
    seed: int = size(0, 0)


@buildable
class TransformerXL(Model):
    """Settings as in TransformerXLSettings."""

    settings_type = TransformerXLSettings

    def make(self, settings: TransformerXLSettings, rng: np.random.Generator) -> None:
        dtype = settings.dtype
        self.embedding = Embedding(settings.vocab, settings.d_model, rng, dtype)
        self.input = TokenInput(self.embedding, "none", 0, rng, settings.dropout, dtype)
        self.stack = SegmentMemoryStack(settings, rng)
        self.output = TokenOutput(self.embedding, settings.vocab, settings.tied, rng, dtype)

    def forward(
        self, ids: Array, memory: Sequence[Array] | None = None, rng: Any = None
    ) -> tuple[Array, TransformerXLModelCache]:
        """ids: (B, T) integers, the next segment -> logits: (B, T, V), about the token after each place.

        memory: cache.memory of the segment before; None at the start of a text.  rng: dropout, None in evaluation.
        """
        x, input_cache = self.input.forward(ids, rng)
        hidden, stack = self.stack.forward(x, memory, rng=rng)
        logits, output = self.output.forward(hidden)
        return logits, TransformerXLModelCache(input_cache, stack, output)

    def backward(self, dlogits: Array, cache: TransformerXLModelCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter; none reaches the segments before."""
        dhidden = self.output.backward(dlogits, cache.output)  # logits = output(hidden)
        self.input.backward(self.stack.backward(dhidden, cache.stack), cache.input)
