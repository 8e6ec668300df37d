"""Names in a text: which words name a person, which a place, which nothing?

A word before a name ("in", "Mr") tells of what kind it is, and the same names serve all kinds: "in Jordan" is a place,
"Mr Jordan" a person, and a name after any other word is none.  Tags are those of the field: O outside, B-k and I-k for
the first and the further words of an entity of kind k (Ramshaw and Marcus 1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

OUTSIDE = 0
CLAUSE = 5  # words: a free one, what announces, one or two names, free ones


def begin_tag(kind: np.ndarray) -> np.ndarray:
    return 1 + 2 * kind


@dataclass(frozen=True)
class Entities(LabelToy):
    """Tokens: announcing words, one for each kind, then names, then all others.  A text is n_clauses times 5 words."""

    n_kinds: int = 2
    n_names: int = 8
    n_others: int = 8
    n_clauses: int = 2

    @property
    def n_tokens(self) -> int:
        return self.n_kinds + self.n_names + self.n_others

    @property
    def n_answers(self) -> int:
        return 1 + 2 * self.n_kinds

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 5 n_clauses); a tag is asked of every place."""
        ids, tags = one_side(n, rng, held_out, self._texts)
        return Places(ids, tags, np.ones_like(ids, dtype=bool))

    def _texts(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        clauses = [self._clauses(n, rng) for _ in range(self.n_clauses)]
        ids, tags = (np.concatenate(parts, axis=1) for parts in zip(*clauses, strict=True))
        return ids, tags

    def _clauses(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        ids = rng.integers(self.n_kinds + self.n_names, self.n_tokens, size=(n, CLAUSE))
        tags, rows = np.full((n, CLAUSE), OUTSIDE), np.arange(n)
        announced, begin = rng.integers(self.n_kinds + 1, size=n), rng.integers(1, 3, size=n)
        is_entity, is_long = announced < self.n_kinds, rng.integers(2, size=n) == 1
        ids[rows[is_entity], begin[is_entity] - 1] = announced[is_entity]
        for further, here in ((0, np.ones(n, dtype=bool)), (1, is_long)):
            ids[rows[here], begin[here] + further] = self.n_kinds + rng.integers(self.n_names, size=here.sum())
            tagged = here & is_entity
            tags[rows[tagged], begin[tagged] + further] = begin_tag(announced[tagged]) + further
        return ids, tags
