"""TextModel: what a model of one text owns, whether it reads both ways (encoder.py) or forward only (decoder.py).

x = dropout(embedding(ids) sqrt(C) + positions)        (B, T) -> (B, T, C)
hidden = blocks(x)                                     (B, T, C) -> (B, T, C), who may attend is the model's choice
logits = hidden W + b, or hidden E^T when tied         (B, T, C) -> (B, T, V)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.models.model import Model
from tfx.models.settings import TextSettings
from tfx.nn.block_cache import BlockCache
from tfx.nn.embedding import Embedding
from tfx.nn.position_scheme import attention_parts, table_of
from tfx.nn.stacks import EncoderStack, StackCache
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.nn.token_output import TokenOutput
from tfx.ops.basics.embedding import TiedLogitsCache
from tfx.ops.basics.linear import LinearCache


class TextModelCache(NamedTuple):
    """blocks[i].weights: who attended to whom in block i; .attention.attention holds q, k and v; .x is its input."""

    input: TokenInputCache
    stack: StackCache
    output: TiedLogitsCache | LinearCache | None  # None when only the hidden states were asked for

    @property
    def blocks(self) -> tuple[BlockCache, ...]:
        return self.stack.blocks


class TextModel(Model, ABC):
    """Owns embedding, input, stack and output."""

    def _make(self, settings: TextSettings, rng: np.random.Generator, n_outputs: int, causal: bool) -> None:
        """causal: whether places are counted for a text that is read forward only."""
        dtype, table = settings.dtype, table_of(settings.positions)
        self.embedding = Embedding(settings.vocab, settings.d_model, rng, dtype, settings.scaled_embedding)
        parts = attention_parts(settings.positions, settings, rng, causal)
        self.input = TokenInput(self.embedding, table, settings.max_len, rng, settings.dropout, dtype)
        self.stack = EncoderStack(settings, rng, parts)
        self.output = TokenOutput(self.embedding, n_outputs, settings.tied, rng, dtype)

    @abstractmethod
    def encode(self, ids: Array, *reading: Any, **named: Any) -> tuple[Array, TextModelCache]:
        """ids: (B, T) integers -> hidden: (B, T, C)."""

    def _logits(self, hidden: Array, cache: TextModelCache) -> tuple[Array, TextModelCache]:
        """hidden: (B, T, C) and the cache of `encode` -> logits: (B, T, V), and the cache of both."""
        logits, output = self.output.forward(hidden)
        return logits, cache._replace(output=output)

    def backward(self, dlogits: Array, cache: TextModelCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter."""
        self.encode_backward(self.output.backward(dlogits, cache.output), cache)  # logits = output(hidden)

    def encode_backward(self, dhidden: Array, cache: TextModelCache, *further: Any) -> None:
        """dhidden: (B, T, C).  further: as EncoderStack.backward, such as the gradients of what its blocks read."""
        dx = self.stack.backward(dhidden, cache.stack, *further)  # hidden = stack(x)
        self.input.backward(dx, cache.input)  # x = input(ids)
