"""Melodies: a short figure, then the same figure a step higher or lower, again and again (a sequence, musicians say).

Notes are steps of a scale, 0 to n_notes - 1, that goes round.  Figure and shift are drawn anew for each melody: once
the figure and the first note of its repetition have been heard, all that follows is decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, next_tokens, one_side


@dataclass(frozen=True)
class Melodies(ContinueToy):
    """Tokens: notes.  A melody is n_repeats figures of figure_length notes."""

    n_notes: int = 7
    figure_length: int = 3
    n_repeats: int = 4
    shifts: tuple[int, ...] = (-1, 0, 1)

    @property
    def n_tokens(self) -> int:
        return self.n_notes

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, n_repeats figure_length - 1); asked is every note that is decided by those before it."""
        (rows,) = one_side(n, rng, held_out, self._melodies)
        return next_tokens(rows, self.figure_length + 1)

    def _melodies(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        figure = rng.integers(self.n_notes, size=(n, 1, self.figure_length))
        shift = np.array(self.shifts)[rng.integers(len(self.shifts), size=(n, 1, 1))]
        notes = (figure + shift * np.arange(self.n_repeats)[:, None]) % self.n_notes
        return (notes.reshape(n, -1),)
