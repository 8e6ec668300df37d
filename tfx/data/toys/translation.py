"""Toy languages that are translated word by word, in another order, and back again without loss.

A sentence is a row of pairs (adjective, noun).  Each foreign language has a word of its own for every word, and puts
the noun first; `n_languages` of them share one model, which a first token tells the one that is wanted (Johnson et al.
2017).

    to language k:   a1 n1 a2 n2   ->   k(n1) k(a1) k(n2) k(a2)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import Pairs, PairsToy, Rng, one_side


@dataclass(frozen=True)
class Translation(PairsToy):
    """Tokens: n_languages start tokens, n_words adjectives, n_words nouns, then the words of every foreign language."""

    n_words: int = 6
    n_pairs: int = 2
    n_languages: int = 1
    seed: int = 0

    @property
    def n_tokens(self) -> int:
        return self.n_languages + 2 * self.n_words * (1 + self.n_languages)

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Pairs:
        """src: (n, 1 + 2 n_pairs), the wanted language first; tgt: the same length, the language as start token."""

        def sentences(count: int, rng: Rng) -> tuple[np.ndarray]:
            kinds = np.tile(np.array([0, self.n_words]), self.n_pairs)
            words = self.n_languages + kinds + rng.integers(self.n_words, size=(count, 2 * self.n_pairs))
            return (np.concatenate([rng.integers(self.n_languages, size=(count, 1)), words], axis=1),)

        (src,) = one_side(n, rng, held_out, sentences)
        return Pairs(src, self.translate(src))

    def translate(self, src: np.ndarray) -> np.ndarray:
        """src: (B, 1 + 2 n_pairs) -> tgt of the same shape."""
        foreign = self.lexicon()[src[:, :1], src[:, 1:] - self.n_languages]
        return np.concatenate([src[:, :1], _swapped(foreign)], axis=1)

    def translate_back(self, tgt: np.ndarray) -> np.ndarray:
        """The inverse of `translate`."""
        own = np.argsort(self.lexicon(), axis=1, kind="stable")
        begin = self.n_languages + 2 * self.n_words * (1 + tgt[:, :1])  # the first word of that language
        words = self.n_languages + own[tgt[:, :1], _swapped(tgt[:, 1:]) - begin]
        return np.concatenate([tgt[:, :1], words], axis=1)

    def lexicon(self) -> np.ndarray:
        """(n_languages, 2 n_words): the foreign token for every word."""
        size, rng = 2 * self.n_words, np.random.default_rng(self.seed)
        return np.stack([self.n_languages + size * (1 + k) + rng.permutation(size) for k in range(self.n_languages)])


def _swapped(words: np.ndarray) -> np.ndarray:
    """(B, 2 P) -> the two words of every pair exchanged."""
    return words.reshape(len(words), -1, 2)[..., ::-1].reshape(words.shape)
