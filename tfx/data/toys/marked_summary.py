"""A summary by rule: what follows a mark is important; write only that, in order.

    a b <mark> c d e <mark> f      ->   c f

Real summaries rest on meaning; here only the skeleton of the work is left: to find places by what stands before them,
to leave out the rest, and to write something shorter than what was read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import Pairs, PairsToy, Rng, one_side

START, MARK = 0, 1


@dataclass(frozen=True)
class MarkedSummary(PairsToy):
    """Tokens: <start>, <mark>, then words.  length counts words and marks."""

    n_words: int = 10
    length: int = 9
    n_marks: int = 2

    @property
    def n_tokens(self) -> int:
        return 2 + self.n_words

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Pairs:
        """src: (n, length); tgt: (n, 1 + n_marks).  Raises ValueError when the marks do not fit."""
        if 2 * self.n_marks > self.length:
            raise ValueError(f"{self.n_marks} marks with their words do not fit {self.length} places")
        (src,) = one_side(n, rng, held_out, self._texts)
        return Pairs(src, np.concatenate([np.full((n, 1), START), self.summary(src)], axis=1))

    def summary(self, src: np.ndarray) -> np.ndarray:
        """src: (B, S) -> (B, n_marks): the word after each mark."""
        return src[:, 1:][src[:, :-1] == MARK].reshape(len(src), self.n_marks)

    def _texts(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        src = rng.integers(2, self.n_tokens, size=(n, self.length))
        free = self.length - 2 * self.n_marks + 1  # marks with their words are units among the other words
        gaps = np.sort(rng.integers(free, size=(n, self.n_marks)), axis=1)
        np.put_along_axis(src, gaps + 2 * np.arange(self.n_marks), MARK, axis=1)
        return (src,)
