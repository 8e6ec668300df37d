"""What will this visitor look at next?  Logs of a made-up shop.

Every visitor has a taste: one shelf of items.  Within it they go on from item to item along a fixed chain, but with
probability `wander` they look at any popular item instead.  Popularity falls as 1 / rank, as it does in real logs, so
"recommend what is popular" is a baseline that is hard to beat for whoever does not look at the visitor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import ContinueToy, Places, Rng, next_tokens, one_side


@dataclass(frozen=True)
class NextItems(ContinueToy):
    """Tokens: items, n_shelves times shelf_size of them, in the order of popularity 1 / rank."""

    n_shelves: int = 4
    shelf_size: int = 6
    length: int = 12
    wander: float = 0.25
    seed: int = 0

    @property
    def n_tokens(self) -> int:
        return self.n_shelves * self.shelf_size

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length - 1); every item from the fifth on is asked."""
        (rows,) = one_side(n, rng, held_out, self._visits)
        return next_tokens(rows, 4)

    def popularity(self) -> np.ndarray:
        """(n_tokens,): the chance of each item in wandering."""
        share = 1.0 / np.arange(1, self.n_tokens + 1)
        return share / share.sum()

    def shelves(self) -> np.ndarray:
        """(n_shelves, shelf_size): the items of each shelf, in the order of its chain."""
        return np.random.default_rng(self.seed).permutation(self.n_tokens).reshape(self.n_shelves, -1)

    def _visits(self, n: int, rng: Rng) -> tuple[np.ndarray]:
        taste, begin = rng.integers(self.n_shelves, size=(n, 1)), rng.integers(self.shelf_size, size=(n, 1))
        chain = self.shelves()[taste, (begin + np.arange(self.length)) % self.shelf_size]
        popular = rng.choice(self.n_tokens, size=chain.shape, p=self.popularity())
        return (np.where(rng.random(chain.shape) < self.wander, popular, chain),)
