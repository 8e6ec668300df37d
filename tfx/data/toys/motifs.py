"""A motif in a long string of A, C, G, T: which letters belong to an occurrence of it?

Letters are drawn uniformly and the motif is written into some strings; occurrences by chance count as well.  No letter
says anything by itself: its neighbours decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

LETTERS = "ACGT"


@dataclass(frozen=True)
class Motifs(LabelToy):
    """motif: letters, and N for any letter.  Tag 1 = inside an occurrence."""

    motif: str = "TANA"
    length: int = 16

    @property
    def n_tokens(self) -> int:
        return len(LETTERS)

    @property
    def n_answers(self) -> int:
        return 2

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length); a tag is asked of every place.  Raises ValueError for a motif that does not fit."""
        if not 0 < len(self.motif) <= self.length or set(self.motif) - {*LETTERS, "N"}:
            raise ValueError(f"the motif {self.motif!r} must be A, C, G, T and N, 1 to {self.length} of them")
        (ids,) = one_side(n, rng, held_out, self._strings)
        return Places(ids, self.inside(ids).astype("int64"), np.ones_like(ids, dtype=bool))

    def inside(self, ids: np.ndarray) -> np.ndarray:
        """ids: (B, T) -> (B, T) bool: the letter belongs to an occurrence."""
        width = len(self.motif)
        windows = np.lib.stride_tricks.sliding_window_view(ids, width, axis=1)  # (B, T - width + 1, width)
        begins = np.all([windows[..., i] == LETTERS.index(c) for i, c in enumerate(self.motif) if c != "N"], axis=0)
        covered = np.zeros(ids.shape, dtype=bool)
        for i in range(width):
            covered[:, i : ids.shape[1] - width + 1 + i] |= begins
        return covered

    def _strings(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        ids = rng.integers(len(LETTERS), size=(n, self.length))
        place, written = rng.integers(self.length - len(self.motif) + 1, size=n), rng.random(n) < 0.75
        for i, letter in enumerate(self.motif):
            if letter != "N":
                ids[written, place[written] + i] = LETTERS.index(letter)
        return (ids,)
