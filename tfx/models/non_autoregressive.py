"""NonAutoregressive: an encoder-decoder that writes all target tokens in one pass.

    e = embedding(src)                              (B, S) -> (B, S, C)
    memory = encoder blocks(e + positions)
    fertilities                                     how many target words each source word becomes: a classifier on
                                                    memory says, and in training they are given
    x = copies of e by fertility, + positions       (B, T, C), T = sum of the fertilities
    hidden = decoder blocks(x, memory)              self-attention is not causal
    logits = hidden W + b                           (B, T, V): every token at once

The model says p(y | x, f) = prod_t p(y_t | x, f): given the source and the fertilities, target tokens are independent.
Where several answers are right it cannot agree with itself on one: if AB and BA are equally good, it gives A and B half
each at both places, and AA is as likely as AB.  Fertilities are there to settle some such choices beforehand.

From the paper, but not here: fertilities from an external word aligner (the tasks give them), targets rewritten by an
autoregressive teacher, fine-tuning with the teacher, and decoding several fertilities at a time.
Source: Gu et al. 2018, "Non-Autoregressive Neural Machine Translation".
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.block_settings import StackSettings
from tfx.nn.dropout import Dropout
from tfx.nn.embedding import Embedding
from tfx.nn.linear import Linear
from tfx.nn.non_autoregressive_block import NonAutoregressiveBlock
from tfx.nn.positions import Positions
from tfx.nn.settings import size
from tfx.nn.stacks import EncoderStack, make_final_norm
from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.fertility import (
    CopySourcesCache,
    copy_sources_backward,
    copy_sources_forward,
    fertility_sources,
    uniform_sources,
)

COPIES = ("fertility", "uniform")


class NonAutoregressiveOutput(NamedTuple):
    """logits: (B, T, V) of the target tokens; fertility_logits: (B, S, max_fertility + 1) of the source tokens."""

    logits: Array
    fertility_logits: Array


class SourceCache(NamedTuple):
    embedded: Array  # (B, S, C), what the decoder copies
    embedding: Any
    positions: Any
    dropout: Any
    stack: Any
    fertility: Any
    mask: Array | None


class NonAutoregressiveCache(NamedTuple):
    source: SourceCache
    copy: CopySourcesCache
    positions: Any
    dropout: Any
    blocks: tuple[Any, ...]
    norm: Any
    output: Any


@dataclass(frozen=True)
class NonAutoregressiveSettings(StackSettings, Vocabulary):
    """copy: "fertility", or "uniform" (of the fertilities only their sum, the target's length, is used).

    tgt_vocab: V of the target, `vocab` unless told.  max_fertility: the most target words one source word can become.
    n_layers: blocks in the encoder and again in the decoder.
    """

    max_fertility: int = size(3)
    _: KW_ONLY
    copy: str = "fertility"
    tgt_vocab: int | None = size(None)
    seed: int = size(0, 0)

    def check(self) -> None:
        super().check()
        if self.copy not in COPIES:
            raise ValueError(f"copy must be one of {', '.join(COPIES)}, not {self.copy!r}")
        if self.n_layers < 1:
            raise ValueError("a decoder that reads a memory needs at least one block")


@buildable
class NonAutoregressive(Model):
    """Positions are sinusoidal.  Settings as in NonAutoregressiveSettings."""

    settings_type = NonAutoregressiveSettings

    def make(self, settings: NonAutoregressiveSettings, rng: np.random.Generator) -> None:
        width, dtype = settings.d_model, settings.dtype
        self.copy, self.max_fertility = settings.copy, settings.max_fertility
        self.embedding = Embedding(settings.vocab, width, rng, dtype)
        self.positions = Positions("sinusoidal", 0, width, rng, dtype)
        self.dropout = Dropout(settings.dropout)
        self.encoder = EncoderStack(settings, rng)
        self.fertility = Linear(width, settings.max_fertility + 1, rng, dtype=dtype)
        self.blocks = [NonAutoregressiveBlock(settings.layer(i), rng) for i in range(settings.n_layers)]
        self.norm = make_final_norm(settings, settings.final_norm)
        n_outputs = settings.vocab if settings.tgt_vocab is None else settings.tgt_vocab
        self.output = Linear(width, n_outputs, rng, dtype=dtype)

    def forward(
        self, src: Array, fertilities: Array, n_targets: int, src_lengths: Array | None = None, rng: Any = None
    ) -> tuple[NonAutoregressiveOutput, NonAutoregressiveCache]:
        """src, fertilities: (B, S) integers -> logits: (B, T, V) with T = n_targets, fertility_logits: (B, S, K).

        What stands after src_lengths, (B,), is never attended to; its fertility must be 0.  Logits after the sum of a
        row's fertilities mean nothing.  rng: dropout in training, None in evaluation.
        """
        fertility_logits, memory, source = self.encode(src, src_lengths, rng)
        logits, cache = self.decode(fertilities, n_targets, memory, source, src_lengths, rng)
        return NonAutoregressiveOutput(logits, fertility_logits), cache

    def encode(self, src: Array, src_lengths: Array | None = None, rng: Any = None) -> tuple[Array, Array, SourceCache]:
        """src: (B, S) -> fertility_logits: (B, S, K), memory: (B, S, C)."""
        xp = xp_of(self.embedding.table.value)
        mask = None if src_lengths is None else padding_mask(src_lengths, src.shape[1], xp)
        embedded, embedding = self.embedding.forward(src)
        x, positions = self.positions.forward(embedded)
        x, dropout = self.dropout.forward(x, rng)
        memory, stack = self.encoder.forward(x, mask, rng)
        logits, fertility = self.fertility.forward(memory)
        return logits, memory, SourceCache(embedded, embedding, positions, dropout, stack, fertility, mask)

    def decode(
        self,
        fertilities: Array,
        n_targets: int,
        memory: Array,
        source: SourceCache,
        src_lengths: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, NonAutoregressiveCache]:
        """fertilities: (B, S), memory: (B, S, C) and its cache -> logits: (B, T, V)."""
        xp = xp_of(memory)
        lengths = fertilities.sum(axis=-1)
        sources = fertility_sources(fertilities, n_targets)
        if self.copy == "uniform":
            every = xp.full(lengths.shape, fertilities.shape[1]) if src_lengths is None else src_lengths
            sources = uniform_sources(every, lengths, n_targets)
        x, copy = copy_sources_forward(source.embedded, sources)
        x, positions = self.positions.forward(x)
        x, dropout = self.dropout.forward(x, rng)
        mask = padding_mask(lengths, n_targets, xp)
        caches = []
        for block in self.blocks:
            x, block_cache = block.forward(x, memory, mask, source.mask, rng)
            caches.append(block_cache)
        norm = None
        if self.norm is not None:
            x, norm = self.norm.forward(x)
        logits, output = self.output.forward(x)
        return logits, NonAutoregressiveCache(source, copy, positions, dropout, tuple(caches), norm, output)

    def backward(self, dlogits: Array, dfertility_logits: Array, cache: NonAutoregressiveCache) -> None:
        """dlogits: (B, T, V), dfertility_logits: (B, S, K).  Adds to the gradient of every parameter."""
        source = cache.source
        dx = self.output.backward(dlogits, cache.output)  # logits = output(norm(x))
        if self.norm is not None:
            dx = self.norm.backward(dx, cache.norm)
        dmemory = self.fertility.backward(dfertility_logits, source.fertility)  # memory was read by the classifier ...
        for block, block_cache in zip(reversed(self.blocks), reversed(cache.blocks), strict=True):
            dx, dread = block.backward(dx, block_cache)
            dmemory = dmemory + dread  # ... and by every block
        dx = self.positions.backward(self.dropout.backward(dx, cache.dropout), cache.positions)
        dembedded = copy_sources_backward(dx, cache.copy)  # x = copies of embedded
        dx = self.encoder.backward(dmemory, source.stack)
        dx = self.positions.backward(self.dropout.backward(dx, source.dropout), source.positions)
        self.embedding.backward(dembedded + dx, source.embedding)  # embedded went into the encoder and was copied

    def predict_fertilities(self, fertility_logits: Array, src_lengths: Array | None = None) -> Array:
        """fertility_logits: (B, S, K) -> (B, S) int64, the likeliest; 0 after the end of a row."""
        xp = xp_of(fertility_logits)
        likeliest = fertility_logits.argmax(axis=-1)
        if src_lengths is None:
            return likeliest
        return xp.where(padding_mask(src_lengths, likeliest.shape[1], xp)[:, 0, 0], likeliest, 0)

    def translate(self, src: Array, src_lengths: Array | None = None) -> tuple[np.ndarray, np.ndarray]:
        """src: (B, S) -> ids: (B, T) and lengths: (B,), the likeliest fertilities and then the likeliest tokens.

        One pass of the encoder and one of the decoder, however long the target is.  Ids after a row's length are -1.
        """
        fertility_logits, memory, source = self.encode(src, src_lengths)
        fertilities = self.predict_fertilities(fertility_logits, src_lengths)
        lengths = to_numpy(fertilities.sum(axis=-1))
        n_targets = int(lengths.max(initial=0))
        logits, _ = self.decode(fertilities, n_targets, memory, source, src_lengths)
        ids = to_numpy(logits.argmax(axis=-1))
        return np.where(np.arange(n_targets) < lengths[:, None], ids, -1), lengths
