"""Texts whose entropy is known: the next token depends on the last one by a table that has no simple summary.

    P(j | i) = softmax_j(z_ij)          z = strength * sum_k k^-decay u_k v_k^T, scaled to that standard deviation

u_k and v_k are normal vectors, so the table has full rank, with parts that matter less and less: a model that is wider
can hold more of them, and none that is narrower than the vocabulary holds all.  No model can do better than

    entropy = sum_i pi_i H(P(. | i))    pi: how often each token stands in a text

Source: Shannon 1948, "A Mathematical Theory of Communication", section 7 (the entropy of such a source).
"""

from __future__ import annotations

import numpy as np

from tfx.ops.basics.softmax import softmax_forward


class MarkovTexts:
    """table: (V, V), row i the chances of what follows token i.  often: (V,), sum 1.  entropy: nats for each token."""

    def __init__(self, vocab: int, rng: np.random.Generator, strength: float = 2.5, decay: float = 1.0) -> None:
        parts = np.arange(1, vocab + 1) ** -decay
        z = (rng.standard_normal((vocab, vocab)) * parts) @ rng.standard_normal((vocab, vocab))
        self.table: np.ndarray = softmax_forward(strength * z / z.std())[0]
        self.often = stationary(self.table)
        self.entropy = float(-(self.often[:, None] * self.table * np.log(self.table)).sum())
        self._up_to = np.cumsum(self.table, axis=1)
        self._up_to[:, -1] = np.inf  # rounding must not leave a draw without a token

    def draw(self, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
        """-> ids (n, length), int64; the first token of each is as frequent as in a long text."""
        ids = np.empty((n, length), dtype=np.int64)
        ids[:, 0] = rng.choice(len(self.often), size=n, p=self.often)
        chance = rng.random((n, length))
        for place in range(1, length):
            ids[:, place] = (self._up_to[ids[:, place - 1]] <= chance[:, place, None]).sum(axis=1)
        return ids


def stationary(table: np.ndarray) -> np.ndarray:
    """(V, V) with rows that sum to 1 and no zeros -> pi: (V,) with pi = pi table, by repeated squaring."""
    power = table
    for _ in range(60):
        power = power @ power
        power /= power.sum(axis=1, keepdims=True)
    return power[0] / power[0].sum()
