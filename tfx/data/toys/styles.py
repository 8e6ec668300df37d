"""The same meaning in other words: paraphrase and style.

Every meaning has one word in each style.  The first token names the style that is wanted; the words after it come in
any mixture of styles, and have to be written in the wanted one.  Token and meaning are known apart, so that a test can
say of any output whether the meaning stayed and the style is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side


@dataclass(frozen=True)
class Styles(LabelToy):
    """Tokens: one for each style, then n_meanings words for each style, in an order of that style's own."""

    n_styles: int = 2
    n_meanings: int = 10
    length: int = 6
    seed: int = 0

    @property
    def n_tokens(self) -> int:
        return self.n_styles * (1 + self.n_meanings)

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 1 + length); asked of every place but the first."""

        def texts(count: int, rng: Rng) -> tuple[np.ndarray]:
            words = rng.integers(self.n_styles, self.n_tokens, size=(count, self.length))
            return (np.concatenate([rng.integers(self.n_styles, size=(count, 1)), words], axis=1),)

        (ids,) = one_side(n, rng, held_out, texts)
        words = self.words()[ids[:, :1], self.meaning(ids[:, 1:])]
        targets = np.concatenate([ids[:, :1], words], axis=1)
        return Places(ids, targets, np.broadcast_to(np.arange(ids.shape[1]) > 0, ids.shape))

    def words(self) -> np.ndarray:
        """(n_styles, n_meanings): the token of each meaning in each style."""
        rng = np.random.default_rng(self.seed)
        return np.stack([self.n_styles + s * self.n_meanings + rng.permutation(self.n_meanings) for s in self._all()])

    def meaning(self, tokens: np.ndarray) -> np.ndarray:
        """Word tokens -> what they mean, whatever the style."""
        return np.argsort(self.words().ravel(), kind="stable")[tokens - self.n_styles] % self.n_meanings

    def style(self, tokens: np.ndarray) -> np.ndarray:
        return (tokens - self.n_styles) // self.n_meanings

    def _all(self) -> range:
        return range(self.n_styles)
