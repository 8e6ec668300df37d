"""Encoder: reads a whole sequence and says something at every place of it.

    x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
    hidden = blocks(x)                                     every place attends to every other
    logits = hidden W + b, or hidden E^T when tied         (B, T, C) -> (B, T, V)

Sources: Vaswani et al. 2017; as a model of its own: Devlin et al. 2019, "BERT".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model
from tfx.nn.embedding import Embedding
from tfx.nn.encoder_block import EncoderBlockCache
from tfx.nn.position_scheme import position_scheme
from tfx.nn.stacks import EncoderStack, EncoderStackCache
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import combine_masks, padding_mask, tokens_kept
from tfx.ops.basics.embedding import TiedLogitsCache, check_rows_of_ids
from tfx.ops.basics.linear import LinearCache


class EncoderCache(NamedTuple):
    """blocks[i].attention.attention holds q, k, v and weights of block i; blocks[i].x its input."""

    input: TokenInputCache
    stack: EncoderStackCache
    output: TiedLogitsCache | LinearCache | None  # None when only the hidden states were asked for

    @property
    def blocks(self) -> tuple[EncoderBlockCache, ...]:
        return self.stack.blocks


class Encoder(Model):
    """n_outputs: classes per place, the vocabulary unless told (then `tied` must be off).

    norm: "pre", "post" or "inner", see nn/residual.py.  positions: a name in nn/position_scheme.py ("learned": up
    to max_len).  activation: "relu", "gelu", "swiglu" ..., see nn/feed_forward.py.  dropout: on input, attention
    weights and sub-layer outputs.  eps: of every norm; final_norm: one after the last block, None = where the blocks do
    not end with one; scaled_embedding: look-ups times sqrt(C).  attention: further settings of nn.MultiHeadAttention
    (n_kv_heads, soft_cap ...).  What is left goes to the stack and its blocks (norm_kind, bias, shared, parallel,
    drop_path).  Equal seeds give equal weights.
    """

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
        n_outputs: int | None = None,
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
        table, in_attention = position_scheme(positions, d_model, n_heads, attention, rng, dtype, causal=False)
        self.input = TokenInput(self.embedding, table, max_len, rng, dropout, dtype)
        block: dict[str, Any] = {"activation": activation, "dropout": dropout, "dtype": dtype, "eps": eps, **further}
        block["attention"] = in_attention
        self.stack = EncoderStack(n_layers, d_model, n_heads, d_ff, rng, norm, final_norm=final_norm, **block)
        self.output = TokenOutput(self.embedding, vocab if n_outputs is None else n_outputs, tied, rng, dtype)

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
