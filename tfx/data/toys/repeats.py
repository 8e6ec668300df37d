"""Texts that say everything again: a random piece of random length, over and over.

Nothing can be learnt by heart, and as the length of the piece differs from text to text, no fixed distance helps
either: to go on, a model has to find where the present token stood before, and say what came after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, one_side


@dataclass(frozen=True)
class Repeats(ContinueToy):
    """Tokens of a piece are all different.  periods: lengths of pieces to choose from, at most n_symbols."""

    n_symbols: int = 10
    periods: tuple[int, ...] = (4, 5, 6, 7)
    length: int = 16

    @property
    def n_tokens(self) -> int:
        return self.n_symbols

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length - 1); asked is every token after the first of the first repetition."""
        rows, period = one_side(n, rng, held_out, self._texts)
        return Places(rows[:, :-1], rows[:, 1:], np.arange(self.length - 1) >= period[:, None])

    def _texts(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        piece = rng.permuted(np.tile(np.arange(self.n_symbols), (n, 1)), axis=1)
        period = np.array(self.periods)[rng.integers(len(self.periods), size=n)]
        return np.take_along_axis(piece, np.arange(self.length) % period[:, None], axis=1), period
