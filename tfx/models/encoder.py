"""Encoder: reads a whole sequence and says something at every place of it.

    x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
    hidden = blocks(x)                                     every place attends to every other
    logits = hidden W + b, or hidden E^T when tied         (B, T, C) -> (B, T, V)

Sources: Vaswani et al. 2017; as a model of its own: Devlin et al. 2019, "BERT".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import TextSettings
from tfx.nn.block_cache import BlockCache
from tfx.nn.embedding import Embedding
from tfx.nn.position_scheme import attention_parts, table_of
from tfx.nn.settings import size
from tfx.nn.stacks import EncoderStack, StackCache
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import combine_masks, padding_mask, tokens_kept
from tfx.ops.basics.embedding import TiedLogitsCache, check_rows_of_ids
from tfx.ops.basics.linear import LinearCache


class EncoderCache(NamedTuple):
    """blocks[i].weights: who attended to whom in block i; .attention.attention holds q, k and v; .x is its input."""

    input: TokenInputCache
    stack: StackCache
    output: TiedLogitsCache | LinearCache | None  # None when only the hidden states were asked for

    @property
    def blocks(self) -> tuple[BlockCache, ...]:
        return self.stack.blocks


@dataclass(frozen=True)
class EncoderSettings(TextSettings):
    """n_outputs: classes per place, the vocabulary unless told (then `tied` must be off)."""

    _: KW_ONLY
    n_outputs: int | None = size(None)


@buildable
class Encoder(Model):
    """Settings as in EncoderSettings."""

    settings_type = EncoderSettings

    def make(self, settings: EncoderSettings, rng: np.random.Generator) -> None:
        dtype, table = settings.dtype, table_of(settings.positions)
        self.embedding = Embedding(settings.vocab, settings.d_model, rng, dtype, settings.scaled_embedding)
        parts = attention_parts(settings.positions, settings, rng, causal=False)
        self.input = TokenInput(self.embedding, table, settings.max_len, rng, settings.dropout, dtype)
        self.stack = EncoderStack(settings, rng, parts)
        n_outputs = settings.vocab if settings.n_outputs is None else settings.n_outputs
        self.output = TokenOutput(self.embedding, n_outputs, settings.tied, rng, dtype)

    def forward(
        self, ids: Array, lengths: Array | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, EncoderCache]:
        """ids: (B, T) integers -> logits: (B, T, V).

        lengths: (B,) real tokens in each row; what stands after them is never attended to.  mask: further blocking,
        boolean, True = may attend, broadcastable to (B, H, T, T).  rng: dropout in training, None in evaluation.
        """
        hidden, cache = self.encode(ids, lengths, mask, rng)
        logits, output_cache = self.output.forward(hidden)
        return logits, cache._replace(output=output_cache)

    def backward(self, dlogits: Array, cache: EncoderCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter."""
        self.encode_backward(self.output.backward(dlogits, cache.output), cache)  # logits = output(hidden)

    def encode(
        self, ids: Array, lengths: Array | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, EncoderCache]:
        """As forward, but -> hidden: (B, T, C), for a head of one's own."""
        check_rows_of_ids(ids)
        xp = xp_of(self.embedding.table.value)
        padding = None if lengths is None else padding_mask(lengths, ids.shape[1], xp, ids.shape[0])
        x, input_cache = self.input.forward(ids, rng)
        hidden, stack_cache = self.stack.forward(x, combine_masks(padding, mask), rng, keep=tokens_kept(padding))
        return hidden, EncoderCache(input_cache, stack_cache, None)

    def encode_backward(
        self, dhidden: Array, cache: EncoderCache, dreads: Sequence[Array | None] | None = None
    ) -> None:
        """dhidden: (B, T, C).  dreads: as EncoderStack.backward."""
        more = () if dreads is None else (dreads,)
        dx = self.stack.backward(dhidden, cache.stack, *more)  # hidden = stack(x)
        self.input.backward(dx, cache.input)  # x = input(ids)
