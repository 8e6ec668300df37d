"""Which bracket closes which?  Parsing in its smallest form.

A text of brackets of several kinds, properly nested (a word of the Dyck language); for every bracket the place of its
partner is asked.  The answer depends on everything between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side


@dataclass(frozen=True)
class Brackets(LabelToy):
    """Token 2 k opens a bracket of kind k and 2 k + 1 closes it.  length must be even."""

    n_kinds: int = 2
    length: int = 8

    @property
    def n_tokens(self) -> int:
        return 2 * self.n_kinds

    @property
    def n_answers(self) -> int:
        return self.length

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length); the place of the partner is asked of every place."""
        if self.length % 2:
            raise ValueError(f"brackets come in pairs: the length must be even, not {self.length}")
        (ids,) = one_side(n, rng, held_out, self._texts)
        return Places(ids, partners(ids), np.ones_like(ids, dtype=bool))

    def _texts(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        """At each place a row opens or closes at random, as far as its depth and the places left allow."""
        depth, stack = np.zeros(n, dtype=np.int64), np.zeros((n, self.length), dtype=np.int64)
        ids, rows = np.empty((n, self.length), dtype=np.int64), np.arange(n)
        for place in range(self.length):
            must_open, must_close = depth == 0, depth == self.length - place
            opens = ~must_close & (must_open | (rng.random(n) < 0.5))
            kind = np.where(opens, rng.integers(self.n_kinds, size=n), stack[rows, depth - 1])
            stack[rows[opens], depth[opens]] = kind[opens]
            depth += np.where(opens, 1, -1)
            ids[:, place] = 2 * kind + ~opens
        return (ids,)


def partners(ids: np.ndarray) -> np.ndarray:
    """ids: (B, T), properly nested -> (B, T): the place of each bracket's partner.

    Raises ValueError for a text that is not.
    """
    found = np.empty_like(ids)
    for row, text in enumerate(ids.tolist()):
        waiting: list[int] = []
        for place, token in enumerate(text):
            if token % 2 == 0:
                waiting.append(place)
            elif waiting and text[waiting[-1]] == token - 1:
                found[row, place], found[row, waiting[-1]] = waiting[-1], place
                waiting.pop()
            else:
                raise ValueError(f"bracket {token} at place {place} closes nothing")
        if waiting:
            raise ValueError(f"the bracket at place {waiting[-1]} is never closed")
    return found
