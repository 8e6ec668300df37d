"""One vector for each word, learned from the words around it: Word2Vec's skip-gram, and GloVe.

Before Transformers this was how a network was given words.  "bank" has one vector here, whatever stands around it;
contextual models give each occurrence its own.  Both models own two tables, one for a word and one for the same word
as context of another: with a single table w . w would say that a word likes to stand next to itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.embedding import Embedding, ScaledEmbeddingCache
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward
from tfx.ops.losses.glove_loss import GloveLossCache, glove_loss_backward, glove_loss_forward
from tfx.ops.losses.negative_sampling import (
    NegativeSamplingCache,
    negative_sampling_backward,
    negative_sampling_forward,
)
from tfx.params import Layer, Parameter


class WordVectors(Layer):
    """Owns words and contexts: (V, C) each."""

    def __init__(self, vocab: int, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        self.words = Embedding(vocab, width, rng, dtype, scaled=False)
        self.contexts = Embedding(vocab, width, rng, dtype, scaled=False)


class SkipGramCache(NamedTuple):
    words: ScaledEmbeddingCache
    contexts: ScaledEmbeddingCache
    negatives: ScaledEmbeddingCache
    loss: NegativeSamplingCache


class SkipGram(WordVectors):
    """Word2Vec's skip-gram with negative sampling (Mikolov et al. 2013).  Owns words and contexts: (V, C) each."""

    def forward(self, words: Array, contexts: Array, negatives: Array) -> tuple[Array, SkipGramCache]:
        """words, contexts: (N,) integers that stood near each other, negatives: (N, K) drawn at random -> mean loss."""
        word, word_cache = self.words.forward(words)
        context, context_cache = self.contexts.forward(contexts)
        drawn, drawn_cache = self.contexts.forward(negatives)
        loss, loss_cache = negative_sampling_forward(word, context, drawn)
        return loss, SkipGramCache(word_cache, context_cache, drawn_cache, loss_cache)

    def backward(self, dloss: Array | float, cache: SkipGramCache) -> None:
        """dloss: scalar.  Ids have no gradient, so nothing is returned."""
        grads = negative_sampling_backward(dloss, cache.loss)
        self.contexts.backward(grads.dnegatives, cache.negatives)
        self.contexts.backward(grads.dcontext, cache.contexts)
        self.words.backward(grads.dword, cache.words)

    @property
    def vectors(self) -> Array:
        """(V, C): the vectors of the words; the paper drops the contexts."""
        return self.words.table.value


class GloVeCache(NamedTuple):
    words: ScaledEmbeddingCache
    contexts: ScaledEmbeddingCache
    word_offsets: EmbeddingCache
    context_offsets: EmbeddingCache
    loss: GloveLossCache


class GloVe(WordVectors):
    """GloVe (Pennington, Socher and Manning 2014).  Owns words and contexts: (V, C) and an offset for each: (V, 1)."""

    def __init__(self, vocab: int, width: int, rng: np.random.Generator, dtype: Any = "float32") -> None:
        super().__init__(vocab, width, rng, dtype)
        self.word_offsets = Parameter(np.zeros((vocab, 1), dtype=dtype))
        self.context_offsets = Parameter(np.zeros((vocab, 1), dtype=dtype))

    def forward(
        self, words: Array, contexts: Array, counts: Array, ceiling: float = 100.0, power: float = 0.75
    ) -> tuple[Array, GloVeCache]:
        """words, contexts: (N,) integers, counts: (N,) how often they were neighbours, above 0 -> mean loss."""
        word, word_cache = self.words.forward(words)
        context, context_cache = self.contexts.forward(contexts)
        word_offset, word_offset_cache = embedding_forward(words, self.word_offsets.value)
        context_offset, context_offset_cache = embedding_forward(contexts, self.context_offsets.value)
        loss, loss_cache = glove_loss_forward(
            word, context, word_offset[:, 0], context_offset[:, 0], counts, ceiling, power
        )
        return loss, GloVeCache(word_cache, context_cache, word_offset_cache, context_offset_cache, loss_cache)

    def backward(self, dloss: Array | float, cache: GloVeCache) -> None:
        """dloss: scalar.  Ids and counts have no gradient, so nothing is returned."""
        grads = glove_loss_backward(dloss, cache.loss)
        self.word_offsets.grad += embedding_backward(grads.dword_offset[:, None], cache.word_offsets)
        self.context_offsets.grad += embedding_backward(grads.dcontext_offset[:, None], cache.context_offsets)
        self.contexts.backward(grads.dcontext, cache.contexts)
        self.words.backward(grads.dword, cache.words)

    @property
    def vectors(self) -> Array:
        """(V, C): the sum of both tables, as the paper uses them (section 4.2)."""
        return self.words.table.value + self.contexts.table.value


def nearest(vectors: Array, word: int, n: int) -> list[int]:
    """The n other words whose vectors make the smallest angle with that of `word`, nearest first."""
    if not 0 <= whole_number("word", word) < vectors.shape[0]:
        raise ValueError(f"word {word} is outside a vocabulary of {vectors.shape[0]}")
    whole_number("n", n, 0)
    xp = xp_of(vectors)
    lengths = xp.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    directions = vectors / xp.maximum(lengths, 1e-30)
    order = xp.argsort(-(directions @ directions[word]), kind="stable").tolist()
    return [other for other in order if other != word][:n]
