"""Recall at a distance: a symbol, then k tokens that do not matter, then the question which symbol it was.

    text        symbol  noise noise ... noise  <ask>            k noise tokens
    RNN         h_t = tanh(x_t W_x + h_{t-1} W_h),  answer = h_last W_o
    attention   one head asked by the last token, no positions:  answer = (weights x W_v) W_o

Both read the same texts in the same order, begin with equal tables, and take as many steps of Adam at one rate.
Whoever answers at random is right in 1 of `SYMBOLS`.
Sources: Hochreiter and Schmidhuber 1997, section 5 (such tasks for recurrent networks); Vaswani et al. 2017.
"""

from __future__ import annotations

import numpy as np

from tfx.nn.embedding import Embedding
from tfx.nn.linear import Linear
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.params import Layer

SYMBOLS, NOISE = 4, 4
ASK = SYMBOLS + NOISE
RATE, BATCH, ASKED = 0.01, 32, 400


class Recaller(Layer):
    """Reads (B, T) ids and gives (B, SYMBOLS) scores for the symbol at the beginning.  way: "RNN" or "attention"."""

    def __init__(self, way: str, width: int, rng: np.random.Generator) -> None:
        self.way = way
        self.embedding = Embedding(ASK + 1, width, rng, "float64")
        if way == "RNN":
            self.cell = RecurrentCell("rnn", width, width, rng, dtype="float64")
        else:
            self.query, self.key, self.value = (Linear(width, width, rng, False, "float64") for _ in range(3))
        self.out = Linear(width, SYMBOLS, rng, dtype="float64")

    def learn(self, ids: np.ndarray, answers: np.ndarray) -> float:
        """One forward and backward; adds to the gradient of every parameter, and returns the loss in nats."""
        x, looked_up = self.embedding.forward(ids)
        if self.way == "RNN":
            h, cache = self.cell.forward(x)
            logits, out = self.out.forward(h[:, -1])
            loss, ce = cross_entropy_forward(logits, answers)
            dh = np.zeros_like(h)
            dh[:, -1] = self.out.backward(cross_entropy_backward(1.0, ce), out)
            dx, _ = self.cell.backward(dh, cache)
        else:
            q, q_cache = self.query.forward(x[:, -1:])
            (k, k_cache), (v, v_cache) = self.key.forward(x), self.value.forward(x)
            read, cache = attention_forward(q, k, v)
            logits, out = self.out.forward(read[:, 0])
            loss, ce = cross_entropy_forward(logits, answers)
            dread = self.out.backward(cross_entropy_backward(1.0, ce), out)
            dq, dk, dv = attention_backward(dread[:, None], cache)
            dx = self.key.backward(dk, k_cache) + self.value.backward(dv, v_cache)  # both read every token
            dx[:, -1:] += self.query.backward(dq, q_cache)  # q = x[:, -1:] W_q
        self.embedding.backward(dx, looked_up)
        return float(loss)

    def answer(self, ids: np.ndarray) -> np.ndarray:
        """(B, T) -> (B,)"""
        x, _ = self.embedding.forward(ids)
        if self.way == "RNN":
            last = self.cell.forward(x)[0][:, -1]
        else:
            q, k, v = self.query.forward(x[:, -1:])[0], self.key.forward(x)[0], self.value.forward(x)[0]
            last = attention_forward(q, k, v)[0][:, 0]
        return np.asarray(self.out.forward(last)[0].argmax(axis=-1))


def draw(rng: np.random.Generator, n: int, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """ids: (n, distance + 2), answers: (n,)."""
    answers = rng.integers(SYMBOLS, size=n)
    noise = SYMBOLS + rng.integers(NOISE, size=(n, distance))
    return np.concatenate([answers[:, None], noise, np.full((n, 1), ASK)], axis=1), answers


def recall(way: str, distance: int, seed: int, steps: int, width: int = 16) -> float:
    """The share of new texts that are answered right after so many steps."""
    model = Recaller(way, width, np.random.default_rng((seed, 1)))
    optimizer = AdamW(model, weight_decay=0.0)
    rng = np.random.default_rng((seed, 2))
    for _ in range(steps):
        model.zero_grad()
        model.learn(*draw(rng, BATCH, distance))
        optimizer.collect()
        optimizer.step(RATE)
    ids, answers = draw(np.random.default_rng((seed, 3)), ASKED, distance)
    return float((model.answer(ids) == answers).mean())
