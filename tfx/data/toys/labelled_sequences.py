"""A class for a whole sequence: sentiment, topics, routing of tickets, spam.

Some words speak for a class, the others for none.  A sentence holds a few of the former among the latter, and its label
is the class that most of them speak for.  With `negation` (two classes) a word after <not> speaks for the other class,
and every second sentence is of the kind

    "good ... not bad" = good        "not good ... bad" = bad

which hold the same words: whoever does not see their order has to guess there, and reaches 3 in 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

CLASS, NOT = 0, 1  # the token that asks, always first; the token that negates the next


@dataclass(frozen=True)
class LabelledSequences(LabelToy):
    """Tokens: <class>, <not>, the words of each class, then words of none.  Needs at least two classes."""

    n_classes: int = 2
    words_per_class: int = 6
    n_neutral: int = 12
    length: int = 10
    negation: bool = False

    @property
    def n_tokens(self) -> int:
        return 2 + self.n_classes * self.words_per_class + self.n_neutral

    @property
    def n_answers(self) -> int:
        return self.n_classes

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 1 + length); the label is asked of the first place."""
        if self.negation and self.n_classes != 2:
            raise ValueError(f"negation needs two classes, not {self.n_classes}")
        ids, label = one_side(n, rng, held_out, self._with_negation if self.negation else self._by_majority)
        targets = np.zeros_like(ids)
        targets[:, 0] = label
        return Places(ids, targets, np.broadcast_to(np.arange(ids.shape[1]) == 0, ids.shape))

    def words(self, classes: np.ndarray, rng: Rng) -> np.ndarray:
        """A word for each class."""
        return 2 + classes * self.words_per_class + rng.integers(self.words_per_class, size=classes.shape)

    def _by_majority(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        """Two words for the label, one for another class, in any order."""
        label = rng.integers(self.n_classes, size=n)
        other = (label + rng.integers(1, self.n_classes, size=n)) % self.n_classes
        ids = self._neutral(n, rng)
        places = 1 + rng.permuted(np.tile(np.arange(self.length), (n, 1)), axis=1)[:, :3]
        np.put_along_axis(ids, places, self.words(np.stack([label, label, other], axis=1), rng), axis=1)
        return ids, label

    def _with_negation(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        """A word in each half; of those that speak for different classes one is negated."""
        label, half = rng.integers(2, size=n), self.length // 2
        differ, negated = rng.integers(2, size=n), rng.integers(2, size=n)  # which half holds <not>
        ids, rows = self._neutral(n, rng), np.arange(n)
        for side in (0, 1):
            says = np.where(differ & (negated == side), 1 - label, label)
            place = 1 + side * half + rng.integers(1, half, size=n)
            ids[rows, place] = self.words(says, rng)
            hit = (differ == 1) & (negated == side)
            ids[rows[hit], place[hit] - 1] = NOT
        return ids, label

    def _neutral(self, n: int, rng: Rng) -> np.ndarray:
        first = 2 + self.n_classes * self.words_per_class
        ids = rng.integers(first, self.n_tokens, size=(n, 1 + self.length))
        ids[:, 0] = CLASS
        return ids
