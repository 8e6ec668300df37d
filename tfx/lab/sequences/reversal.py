"""Reversing a text by an RNN encoder-decoder whose weights are set by hand: from one vector, or by attention.

    encoder     h_t = h_{t-1} R + E[x_t]                    R is orthogonal: it keeps lengths; E: a code for each symbol
    context     c = h_n                                     one vector of C numbers, whatever the length n
    decoder     s_1 = c,   s_t = (s_{t-1} - E[y_{t-1}]) R^T     take away what was written, turn back
                y_t = argmax over symbols of E s_t

The last symbol was turned least and comes first, so the text is written in reverse.  s_t still holds the codes of all
symbols that are to come, turned away; they disturb by about sqrt(left / C) where the right code answers with 1.

    attention   keeps every code m_j = E[x_j] beside a place code p_j = p_{j-1} R; asks q_1 = p_n, q_t = q_{t-1} R^T
                weights = softmax(sharpness q . p_j),   y_t = argmax of E (weights m)

Sources: Sutskever et al. 2014 (one vector); Bahdanau et al. 2015 (all states, weights over them); Frady, Kleyko and
Sommer 2018 (what such a sum of turned codes can hold).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.nn.recurrent_cell import orthogonal
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.recurrence.rnn import rnn_forward

SHARPNESS = 20.0


class Written(NamedTuple):
    """symbols: (B, n) as written; states: (B, n, C), what each was read from; weights: (B, n, n) or None."""

    symbols: np.ndarray
    states: np.ndarray
    weights: np.ndarray | None = None


class Reverser:
    """codes: (V, C) of length 1 on average; turn: (C, C), orthogonal; place: (C,), the code of place 0."""

    def __init__(self, rng: np.random.Generator, width: int, symbols: int) -> None:
        self.codes = rng.standard_normal((symbols, width)) / np.sqrt(width)
        self.turn = orthogonal(rng, width, width, "float64")
        self.place = rng.standard_normal((1, width))
        self.place /= np.linalg.norm(self.place)

    def encode(self, ids: np.ndarray) -> np.ndarray:
        """ids: (B, n) -> states: (B, n, C); the last one is the context."""
        zero, one = np.zeros((len(ids), self.turn.shape[0])), np.eye(self.turn.shape[0])
        h, _ = rnn_forward(self.codes[ids], zero, one, self.turn, activation="identity")
        return np.asarray(h)

    def from_one_vector(self, context: np.ndarray, n: int, forced: np.ndarray | None = None) -> Written:
        """context: (B, C) -> n symbols.  forced: (B, n), the true ones, that are fed back in place of its own."""
        state, symbols, states = context, [], []
        for t in range(n):
            found = (state @ self.codes.T).argmax(axis=-1)
            symbols.append(found)
            states.append(state)
            before = found if forced is None else forced[:, t]
            state = (state - self.codes[before]) @ self.turn.T
        return Written(np.stack(symbols, axis=1), np.stack(states, axis=1))

    def with_attention(self, ids: np.ndarray) -> Written:
        """ids: (B, n) -> n symbols: each asks for one place among all that were kept."""
        n = ids.shape[1]
        places = np.stack([self.place[0] @ np.linalg.matrix_power(self.turn, j) for j in range(1, n + 1)])
        asks = np.stack([places[-1] @ np.linalg.matrix_power(self.turn.T, t) for t in range(n)])
        batch = np.broadcast_to(places, (len(ids), *places.shape))
        out, cache = attention_forward(np.broadcast_to(asks, batch.shape), batch, self.codes[ids], scale=SHARPNESS)
        return Written((out @ self.codes.T).argmax(axis=-1), out, cache.weights)


def share_right(rng: np.random.Generator, width: int, symbols: int, n: int, texts: int, way: str) -> float:
    """The share of symbols that are written right.  way: "vector", "forced" (told the truth) or "attention".

    Every eighth of the texts has codes and weights of its own.
    """
    right = []
    for _ in range(8):
        model, ids = Reverser(rng, width, symbols), rng.integers(symbols, size=(max(1, texts // 8), n))
        wanted = ids[:, ::-1]
        if way == "attention":
            found = model.with_attention(ids)
        else:
            found = model.from_one_vector(model.encode(ids)[:, -1], n, wanted if way == "forced" else None)
        right.append(float((found.symbols == wanted).mean()))
    return float(np.mean(right))
