"""Texts in which the next token depends on the last two, and on nothing else.

After a, b stands f(a, b) with probability p, and any of the other V - 1 tokens otherwise.  f is a Latin square: for
every a it is a permutation of the tokens b, and for every b one of the tokens a.  So b alone tells nothing, nor does a,
all pairs are equally frequent, and the loss of who knows the source is

    H = -p log p - (1 - p) log((1 - p) / (V - 1))          in nats per token; a guess costs log V

Source: of such chains and their entropy: Shannon 1948, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, next_tokens


@dataclass(frozen=True, eq=False)
class SecondOrder(ContinueToy):
    """Texts of length + 1 tokens from one source.  probabilities: (V, V, V), of the next token after the last two."""

    probabilities: np.ndarray
    length: int

    @property
    def n_tokens(self) -> int:
        return int(self.probabilities.shape[0])

    @property
    def entropy(self) -> float:
        """H, of the next token for who knows the source, in nats; the last two tokens are spread evenly."""
        return float(-(self.probabilities * np.log(self.probabilities)).sum(axis=-1).mean())

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """ids: (n, T) -> (n, T - 1, V): what the source says after the second token, the third ..."""
        found: np.ndarray = np.log(self.probabilities)[ids[:, :-1], ids[:, 1:]]
        return found

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length); asked from the second place on.  Texts are drawn anew, and too many to meet one again."""
        rows = np.zeros((n, self.length + 1), dtype=np.int64)
        rows[:, :2] = rng.integers(self.n_tokens, size=(n, 2))
        up_to, chance = self.probabilities.cumsum(axis=-1)[..., :-1], rng.random(rows.shape)
        for t in range(2, self.length + 1):
            rows[:, t] = (chance[:, t, None] > up_to[rows[:, t - 2], rows[:, t - 1]]).sum(axis=-1)
        return next_tokens(rows, 2)


def second_order(n: int, certain: float, length: int, rng: np.random.Generator) -> SecondOrder:
    """A random one: after a, b stands f(a, b) with probability `certain`; f is a Latin square of n tokens."""
    a, b, name = rng.permutation(n), rng.permutation(n), rng.permutation(n)
    called = name[(a[:, None] + b) % n]  # (a, b) -> f(a, b)
    other = (1 - certain) / (n - 1)
    return SecondOrder(np.where(called[..., None] == np.arange(n), certain, other), length)
