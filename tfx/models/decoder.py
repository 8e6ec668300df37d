"""DecoderOnly: a language model.  Every place predicts the next token from itself and what came before.

    x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
    hidden = blocks(x) under the causal mask               place t attends to places 0 .. t
    logits = hidden W + b, or hidden E^T when tied         logits[:, t] are about the token at t + 1

Without a second sequence to read there is no cross-attention, so its block is the encoder's block with a causal mask.
Sources: Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences", section 4.2.3; Radford et al. 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.encoder import EncoderCache
from tfx.models.model import Model
from tfx.nn.embedding import Embedding
from tfx.nn.position_scheme import position_scheme
from tfx.nn.stacks import EncoderStack, Past
from tfx.nn.token_input import TokenInput
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import causal_mask, combine_masks, left_padding_mask, padding_mask, tokens_kept
from tfx.ops.basics.embedding import check_rows_of_ids

DecoderOnlyCache = EncoderCache


class DecoderOnly(Model):
    """Settings as in Encoder."""

    def __init__(
        self,
        vocab: int,
        d_model: int = 64,
        n_heads: int = 4,
        d_ff: int = 256,
        n_layers: int = 2,
        max_len: int = 128,
        norm: str = "pre",
        positions: str = "sinusoidal",
        activation: str = "gelu",
        tied: bool = True,
        dropout: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        eps: float = 1e-5,
        final_norm: bool | None = None,
        scaled_embedding: bool = True,
        attention: Mapping[str, Any] | None = None,
        **further: Any,
    ) -> None:
        self._remember(locals())
        rng = np.random.default_rng(seed)
        self.embedding = Embedding(vocab, d_model, rng, dtype, scaled_embedding)
        table, in_attention = position_scheme(positions, d_model, n_heads, attention, rng, dtype, causal=True)
        self.input = TokenInput(self.embedding, table, max_len, rng, dropout, dtype)
        block: dict[str, Any] = {"activation": activation, "dropout": dropout, "dtype": dtype, "eps": eps, **further}
        block["attention"] = in_attention
        self.stack = EncoderStack(n_layers, d_model, n_heads, d_ff, rng, norm, final_norm=final_norm, **block)
        self.output = TokenOutput(self.embedding, vocab, tied, rng, dtype)

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
            filling = left_padding_mask(
                left_padding - (start - m), m + length, xp, ids.shape[0]
            )  # start - m were dropped
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
