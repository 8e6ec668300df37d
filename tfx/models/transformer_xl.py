"""Transformer-XL: a language model that reads a long text in segments and remembers what its layers read before.

    x = dropout(embedding(ids) sqrt(C))               no positions: attention knows distances
    hidden, memory' = blocks(x, memory)               nn/segment_memory.py; the memory is a constant
    logits = hidden W + b, or hidden E^T when tied

Source: Dai et al. 2019, "Transformer-XL: Attentive Language Models Beyond a Fixed-Length Context".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.models.model import Model
from tfx.nn.embedding import Embedding
from tfx.nn.segment_memory import SegmentMemoryStack, SegmentMemoryStackCache
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


class TransformerXL(Model):
    """n_memory: M, places that each layer remembers.  Other settings as in DecoderOnly; norm: "post" in the paper."""

    def __init__(
        self,
        vocab: int,
        d_model: int = 64,
        n_heads: int = 4,
        d_ff: int = 256,
        n_layers: int = 2,
        n_memory: int = 32,
        norm: str = "post",
        activation: str = "relu",
        tied: bool = True,
        dropout: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        eps: float = 1e-5,
    ) -> None:
        self._remember(locals())
        rng = np.random.default_rng(seed)
        self.embedding = Embedding(vocab, d_model, rng, dtype)
        self.input = TokenInput(self.embedding, "none", 0, rng, dropout, dtype)
        block: dict[str, Any] = {"activation": activation, "dropout": dropout, "dtype": dtype, "eps": eps}
        self.stack = SegmentMemoryStack(n_layers, d_model, n_heads, d_ff, rng, n_memory, norm=norm, **block)
        self.output = TokenOutput(self.embedding, vocab, tied, rng, dtype)

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
