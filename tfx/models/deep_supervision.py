"""Deep supervision: a head after every block, each of which has to answer.

    logits_i = states_i W_i + b_i       states_i after block i, for the blocks below the last
    logits_L                            of the encoder itself

A loss at every depth is a weighted sum, loss = sum_i w_i loss_i.  It shortens the way from a loss to the first blocks,
and leaves a model whose answer can be read off early, where the input is easy.

Derivation.  The state between two blocks is read by the next block and by its head, so its gradient is a sum of two:
that of the head joins in the middle of the stack (`dreads` of EncoderStack.backward), on the way down.
Sources: Lee et al. 2015, "Deeply-Supervised Nets", section 2; for Transformers, Al-Rfou et al. 2019, "Character-Level
Language Modeling with Deeper Self-Attention", section 3.1 (auxiliary losses at intermediate layers).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.encoder import Encoder
from tfx.models.text_model import TextModelCache
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import LinearCache
from tfx.params import Layer


class DeepSupervisionCache(NamedTuple):
    encoder: TextModelCache
    heads: tuple[LinearCache, ...]


class DeepSupervision(Layer):
    """Owns encoder, and heads: Linear(C, n_outputs) for all blocks but the last, whose head is the encoder's own.

    Raises ValueError for an encoder without blocks.
    """

    def __init__(self, encoder: Encoder, rng: np.random.Generator) -> None:
        if not isinstance(encoder, Encoder):
            raise TypeError(f"deep supervision is for an Encoder, not a {type(encoder).__name__}")
        blocks = encoder.stack.blocks
        if not blocks:
            raise ValueError("an encoder without blocks has no depth to supervise")
        width, dtype = encoder.embedding.table.shape[1], encoder.embedding.table.value.dtype
        table = encoder.embedding.table if encoder.output.linear is None else None
        n_outputs = table.shape[0] if table is not None else encoder.output.linear.w.shape[1]  # type: ignore[union-attr]
        self.encoder = encoder
        self.heads = [Linear(width, n_outputs, rng, dtype=dtype) for _ in blocks[1:]]

    def forward(
        self, ids: Array, lengths: Array | None = None, mask: Array | None = None, rng: Any = None
    ) -> tuple[Array, DeepSupervisionCache]:
        """ids: (B, T) integers -> logits: (L, B, T, V), those after the last block last.  Inputs as Encoder.forward."""
        last, cache = self.encoder.forward(ids, lengths, mask, rng)
        states = cache.stack.reads[1:]  # what block i + 1 read is what block i gave
        each = [head.forward(state) for head, state in zip(self.heads, states, strict=True)]
        logits = xp_of(last).stack([*(y for y, _ in each), last])
        return logits, DeepSupervisionCache(cache, tuple(head_cache for _, head_cache in each))

    def backward(self, dlogits: Array, cache: DeepSupervisionCache) -> None:
        """dlogits: (L, B, T, V).  Adds to the gradient of every parameter."""
        dhidden = self.encoder.output.backward(dlogits[-1], cache.encoder.output)
        dreads: list[Array | None] = [None]  # no head reads the input of the first block
        for i, (head, head_cache) in enumerate(zip(self.heads, cache.heads, strict=True)):
            dreads.append(head.backward(dlogits[i], head_cache))
        self.encoder.encode_backward(dhidden, cache.encoder, dreads)
