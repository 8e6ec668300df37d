"""Grammar repair: determiner, noun and verb agree in number, but one word of the sentence is in the wrong one.

Every word has a singular and a plural form.  A clause is three words in one number; one word of the text has been put
into the other, and the task is to write the text as it should be.  Two words of the clause outvote the wrong one: no
word shows by itself whether it is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

CLAUSE = 3


@dataclass(frozen=True)
class Agreement(LabelToy):
    """Token 2 w + number: word w in the singular (0) or plural (1); n_words for each of the three parts of speech."""

    n_words: int = 5
    n_clauses: int = 2

    @property
    def n_tokens(self) -> int:
        return 2 * CLAUSE * self.n_words

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 3 n_clauses) with one wrong word; the right word is asked of every place."""
        broken, right = one_side(n, rng, held_out, self._texts)
        return Places(broken, right, np.ones_like(right, dtype=bool))

    def _texts(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        part = np.tile(np.arange(CLAUSE), self.n_clauses) * self.n_words
        words = part + rng.integers(self.n_words, size=(n, CLAUSE * self.n_clauses))
        number = np.repeat(rng.integers(2, size=(n, self.n_clauses)), CLAUSE, axis=1)
        right = 2 * words + number
        broken = right.copy()
        place = rng.integers(right.shape[1], size=n)
        broken[np.arange(n), place] ^= 1  # the other number of the same word
        return broken, right
