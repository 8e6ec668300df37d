"""DecoderOnly: a language model.  Every place predicts the next token from itself and what came before.

    x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
    hidden = blocks(x) under the causal mask               place t attends to places 0 .. t
    logits = hidden W + b, or hidden E^T when tied         logits[:, t] are about the token at t + 1

Without a second sequence to read there is no cross-attention, so its block is the encoder's block with a causal mask.
Sources: Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences", section 4.2.3; Radford et al. 2018.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.encoder import EncoderCache
from tfx.models.model import Model, buildable
from tfx.models.settings import TextSettings
from tfx.nn.embedding import Embedding
from tfx.nn.position_scheme import attention_parts, table_of
from tfx.nn.stacks import EncoderStack, Past
from tfx.nn.token_input import TokenInput
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import causal_mask, combine_masks, left_padding_mask, padding_mask, tokens_kept
from tfx.ops.basics.embedding import check_rows_of_ids

DecoderOnlyCache = EncoderCache


@buildable
class DecoderOnly(Model):
    """Settings as in TextSettings."""

    settings_type = TextSettings

    def make(self, settings: TextSettings, rng: np.random.Generator) -> None:
        dtype, table = settings.dtype, table_of(settings.positions)
        self.embedding = Embedding(settings.vocab, settings.d_model, rng, dtype, settings.scaled_embedding)
        parts = attention_parts(settings.positions, settings, rng, causal=True)
        self.input = TokenInput(self.embedding, table, settings.max_len, rng, settings.dropout, dtype)
        self.stack = EncoderStack(settings, rng, parts)
        self.output = TokenOutput(self.embedding, settings.vocab, settings.tied, rng, dtype)

    @property
    def stores_keys(self) -> bool:
        """Whether it can write token by token, after stored keys and values."""
        return getattr(self.stack, "stores_keys", False)

    def forward(
        self,
        ids: Array,
        lengths: Array | None = None,
        mask: Array | None = None,
        rng: Any = None,
        past: Past | None = None,
        left_padding: Array | None = None,
    ) -> tuple[Array, DecoderOnlyCache]:
        """ids: (B, T) integers -> logits: (B, T, V).

        Always causal; lengths (B,) and mask block further.  rng: dropout in training, None in evaluation.
        past: stored keys and values of M tokens before, from cache.stack.present; then lengths count those too, and
        mask is broadcastable to (B, H, T, M + T).
        left_padding: (B,) tokens of filling in front of each row's text, so that all rows end together; never attended
        to, and not counted as places.
        """
        hidden, cache = self.encode(ids, lengths, mask, rng, past, left_padding)
        logits, output_cache = self.output.forward(hidden)
        return logits, cache._replace(output=output_cache)

    def backward(self, dlogits: Array, cache: DecoderOnlyCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter."""
        self.encode_backward(self.output.backward(dlogits, cache.output), cache)  # logits = output(hidden)

    def encode(
        self,
        ids: Array,
        lengths: Array | None = None,
        mask: Array | None = None,
        rng: Any = None,
        past: Past | None = None,
        left_padding: Array | None = None,
    ) -> tuple[Array, DecoderOnlyCache]:
        """As forward, but -> hidden: (B, T, C), for a head of one's own."""
        check_rows_of_ids(ids)
        length, xp = ids.shape[-1], xp_of(self.embedding.table.value)
        m, start = (past[0].length, past[0].seen) if past else (0, 0)
        padding = None if lengths is None else padding_mask(lengths, m + length, xp, ids.shape[0])
        filling = None
        if left_padding is not None:
            dropped = start - m  # places whose keys and values are no longer stored
            filling = left_padding_mask(left_padding - dropped, m + length, xp, ids.shape[0])
        x, input_cache = self.input.forward(ids, rng, start if left_padding is None else start - left_padding)
        causal = None if length == 1 else causal_mask(length, past=m, xp=xp)  # the newest token alone may see all
        allowed = combine_masks(causal, padding, filling, mask)
        keep = tokens_kept(combine_masks(padding, filling), length)
        hidden, stack_cache = self.stack.forward(x, allowed, rng, past, keep)
        return hidden, DecoderOnlyCache(input_cache, stack_cache, None)

    def encode_backward(self, dhidden: Array, cache: DecoderOnlyCache) -> None:
        """dhidden: (B, T, C)."""
        dx = self.stack.backward(dhidden, cache.stack)  # hidden = stack(x)
        self.input.backward(dx, cache.input)  # x = input(ids)
