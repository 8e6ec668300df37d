"""A small encoder that says which noun "it" stands for.

    x = embedding(ids) * sqrt(C) + positions
    x = block_1(x)                     H heads
    x = block_2(x)                     H heads
    h = norm(x)[it]                    the place of "it", and only this place
    logits = h E^T                     over the vocabulary: the answer is a noun

Pre-LN blocks, tied embeddings, and maps W_Q, W_K, W_V without offsets, as in Vaswani et al. 2017, section 3.2.

The same architecture ships twice.  "plain" is trained on the answer alone and may route the noun to "it" in any way it
likes.  "pointing" is also told where to look: a second loss reads row "it" of every head of the last layer
(see ops/attention/pointing.py), so its gradient enters the network in two places, at the logits and in the middle of
the last attention.  `EncoderBlock.backward` takes the second one as `dweights`.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np

from tfx.backend import Array, on_host, to_device, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_settings import BlockSettings
from tfx.nn.embedding import Embedding
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.residual import block_norm
from tfx.nn.settings import size
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.ops.attention.masks import padding_mask
from tfx.ops.attention.scaled_dot_product import AttentionCache
from tfx.ops.basics.embedding import TiedLogitsCache, check_rows_of_ids
from tfx.ops.norms.layer_norm import LayerNormCache


class PronounCache(NamedTuple):
    input: TokenInputCache
    blocks: tuple[BlockCache, ...]
    norm: LayerNormCache
    hidden_shape: tuple[int, ...]
    it: Array
    logits: TiedLogitsCache

    def attention(self, layer: int) -> AttentionCache:
        """q, k, v: (B, H, T, D) and weights: (B, H, T, T) of one layer."""
        return self.blocks[layer].attention.attention


@dataclass(frozen=True)
class PronounSettings(BlockSettings, Vocabulary):
    d_model: int = size(48)
    d_ff: int = size(96)
    _: KW_ONLY
    activation: str = "relu"
    seed: int = size(0, 0)


@buildable
class PronounModel(Model):
    """Two layers."""

    settings_type = PronounSettings

    def make(self, settings: PronounSettings, rng: np.random.Generator) -> None:
        self.embedding = Embedding(settings.vocab, settings.d_model, rng, settings.dtype)
        self.input = TokenInput(self.embedding, "sinusoidal", 0, rng, dtype=settings.dtype)
        self.first = EncoderBlock(settings, rng)
        self.last = EncoderBlock(settings, rng)
        self.norm = block_norm(settings)
        without_offsets(self.blocks)

    @property
    def blocks(self) -> list[EncoderBlock]:
        return [self.first, self.last]

    def forward(self, ids: Array, it: Array, lengths: Array | None = None) -> tuple[Array, PronounCache]:
        """ids: (B, T) integers, it: (B,) place of "it", lengths: (B,) or None -> logits: (B, V), cache.

        Raises ValueError for an id outside the vocabulary or a place outside the sentence.
        """
        check_rows_of_ids(ids)
        inside = not (it.size and on_host(it)) or (it.min() >= 0 and it.max() < ids.shape[1])
        if it.shape != ids.shape[:1] or not inside:
            raise ValueError(f"it must name one place in each of {ids.shape[0]} sentences of {ids.shape[1]} words")
        xp = xp_of(self.embedding.table.value)
        it = to_device(it, xp)
        mask = None if lengths is None else padding_mask(lengths, ids.shape[1], xp, ids.shape[0])  # (B, 1, 1, T)
        x, input_cache = self.input.forward(ids)
        x, first = self.first.forward(x, mask)
        x, last = self.last.forward(x, mask)
        hidden, norm = self.norm.forward(x)  # (B, T, C)
        logits, logits_cache = self.embedding.logits(hidden[xp.arange(len(it)), it])  # (B, C) -> (B, V)
        return logits, PronounCache(input_cache, (first, last), norm, hidden.shape, it, logits_cache)

    def backward(self, dlogits: Array, cache: PronounCache, dweights: Array | None = None) -> None:
        """dlogits: (B, V); dweights: (B, H, T, T), the gradient of a loss on the last layer's weights, or None."""
        xp = xp_of(dlogits)
        picked = self.embedding.logits_backward(dlogits, cache.logits)
        dhidden = xp.zeros(cache.hidden_shape, dtype=dlogits.dtype)
        dhidden[xp.arange(len(cache.it)), cache.it] = picked  # logits read one row of hidden
        dx = self.norm.backward(dhidden, cache.norm)
        dx = self.last.backward(dx, cache.blocks[1], dweights)
        dx = self.first.backward(dx, cache.blocks[0])
        self.input.backward(dx, cache.input)


def without_offsets(blocks: list[EncoderBlock]) -> None:
    """Takes the offsets off W_Q, W_K and W_V: Q = X W_Q and nothing else, as the paper writes it."""
    for block in blocks:
        for projection in (block.attention.query, block.attention.key, block.attention.value):
            projection.b = None
