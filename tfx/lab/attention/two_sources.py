"""A task for heads: name the token `a` places back and the token `b` places back, from attention alone.

The model is one attention layer between an embedding with learned places and a linear read-out for each of the two
tokens.  There is no feed-forward network that could take a blend apart, so the two must reach the read-out unblended.

One head cannot bring both.  Let it give the first token the share w, the second 1 - w, and let M[y, x] be what the
read-out of the second gains for the answer y from a token x.  For b to be right after y, and y right after b,

    w_yb A < (1 - w_yb) B   and   w_by B < (1 - w_by) A         A = M[y,y] - M[b,y],  B = M[b,b] - M[y,b]

where A and B are positive because y after y and b after b are read right.  The product says w_yb + w_by < 1: the second
token must weigh more.  The read-out of the first needs the contrary, by the same steps.  So who reads equal pairs right
reads at most one of the two orders of two other tokens, and of all V^2 ordered pairs

    at most (V + 1) / (2 V)                                     V equal pairs, and half of the others
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.nn.attention import MultiHeadAttention
from tfx.nn.embedding import Embedding, ScaledEmbeddingCache
from tfx.nn.linear import Linear
from tfx.nn.positions import Positions
from tfx.ops.attention.multi_head import MultiHeadCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.params import Layer
from tfx.schedule import warmup_cosine
from tfx.train.loop import LossValue, Rng, train

#: How far back the two tokens are.
OFFSETS = (1, 3)
#: Of the longest reach; places before have no answer.
FIRST = max(OFFSETS)
LEARNING_RATE, BATCH = 0.02, 32


class TwoSourcesCache(NamedTuple):
    embedding: ScaledEmbeddingCache
    positions: Any
    attention: MultiHeadCache
    output: LinearCache


class TwoSourcesModel(Layer):
    """Embedding, places, one attention layer of any number of heads, and a linear read-out for each source; float64, so
    that another machine trains the same model."""

    def __init__(self, n_tokens: int, width: int, n_heads: int, length: int, rng: np.random.Generator) -> None:
        self.n_tokens = n_tokens
        self.embedding = Embedding(n_tokens, width, rng, "float64")
        self.positions = Positions("learned", length, width, rng, "float64")
        self.attention = MultiHeadAttention(width, n_heads, rng, dtype="float64")
        self.output = Linear(width, len(OFFSETS) * n_tokens, rng, dtype="float64")

    def forward(self, ids: np.ndarray) -> tuple[np.ndarray, TwoSourcesCache]:
        """ids: (B, T) -> logits: (B, T, sources, V)."""
        embedded, embedding = self.embedding.forward(ids)
        x, positions = self.positions.forward(embedded)
        y, attention = self.attention.forward(x)
        logits, output = self.output.forward(y)
        cache = TwoSourcesCache(embedding, positions, attention, output)
        return logits.reshape(*ids.shape, len(OFFSETS), self.n_tokens), cache

    def backward(self, dlogits: np.ndarray, cache: TwoSourcesCache) -> None:
        """dlogits: (B, T, sources, V)."""
        dy = self.output.backward(dlogits.reshape(*dlogits.shape[:2], -1), cache.output)  # logits = output(y)
        dx = self.attention.backward(dy, cache.attention).dx  # y = attention(x)
        self.embedding.backward(self.positions.backward(dx, cache.positions), cache.embedding)  # x = embedded + places


def answers(ids: np.ndarray) -> np.ndarray:
    """ids: (B, T) -> (B, T - FIRST, sources): the tokens so far back, from the first place that has both."""
    length = ids.shape[1]
    return np.stack([ids[:, FIRST - back : length - back] for back in OFFSETS], axis=-1)


def two_sources_loss(model: TwoSourcesModel, ids: np.ndarray, rng: Rng) -> LossValue:
    """Cross-entropy of both answers at every place that has them, and backward."""
    logits, cache = model.forward(ids)
    value, loss = cross_entropy_forward(logits[:, FIRST:], answers(ids))
    dlogits = np.zeros_like(logits)
    dlogits[:, FIRST:] = cross_entropy_backward(1.0, loss)
    model.backward(dlogits, cache)
    return LossValue(float(value), ids.size)


def learn_two_sources(n_tokens: int, width: int, n_heads: int, length: int, steps: int, seed: int) -> TwoSourcesModel:
    """A model that was trained on random texts, new ones at every step."""
    model = TwoSourcesModel(n_tokens, width, n_heads, length, np.random.default_rng(seed))
    for _ in train(
        model,
        lambda rng: rng.integers(n_tokens, size=(BATCH, length)),
        two_sources_loss,
        AdamW(model, weight_decay=0.0),
        lambda step: warmup_cosine(step, LEARNING_RATE, max(steps // 10, 1), steps),
        steps,
        seed=seed,
    ):
        pass
    return model


def share_of_pairs(model: TwoSourcesModel, ids: np.ndarray) -> float:
    """Of the places that have both answers, the share at which both are right."""
    logits, _ = model.forward(ids)
    return float((logits[:, FIRST:].argmax(axis=-1) == answers(ids)).all(axis=-1).mean())


def most_with_one_head(n_tokens: int) -> float:
    """(V + 1) / (2 V), the bound above."""
    return (n_tokens + 1) / (2 * n_tokens)
