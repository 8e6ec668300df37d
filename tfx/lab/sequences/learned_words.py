"""Word vectors learned in a fraction of a second: skip-gram on sentences whose grammar knows kinds of words.

The sentences are those of tfx/data/pronouns.py: movers (dog, robot), places (street, lake) and adjectives that fit the
one or the other.  Nobody tells the model the kinds; words of one kind stand among the same neighbours.
Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data import pronouns
from tfx.data.word_contexts import neighbours, noise_distribution
from tfx.models.word_vectors import SkipGram, nearest
from tfx.optim import AdamW

KINDS = {"mover": pronouns.MOVERS, "place": pronouns.PLACES, "adjective": pronouns.FITS_MOVERS + pronouns.FITS_PLACES}
#: pairs a step, random words for each, how far apart neighbours may stand, and the step size of Adam
PAIRS, NEGATIVES, RADIUS, RATE = 256, 5, 2, 0.03


@dataclass(frozen=True)
class WordTable:
    """words: V of them; vectors: (V, C), a row for each."""

    words: tuple[str, ...]
    vectors: np.ndarray

    def row(self, word: str) -> np.ndarray:
        return np.asarray(self.vectors[self.words.index(word)])

    def cosine(self, one: str, other: str) -> float:
        a, b = self.row(one), self.row(other)
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))

    def nearest(self, word: str, n: int) -> list[str]:
        return [self.words[i] for i in nearest(self.vectors, self.words.index(word), n)]

    def same_kind(self) -> float:
        """Of the words that have a kind, the share whose nearest word is of the same."""
        kind_of = {word: kind for kind, words in KINDS.items() for word in words if word in self.words}
        return float(np.mean([kind_of.get(self.nearest(word, 1)[0]) == kind for word, kind in kind_of.items()]))


def learn_words(seed: int, steps: int, width: int = 16, sentences: int = 400) -> tuple[WordTable, WordTable]:
    """Random vectors, and what skip-gram makes of them.  Raises ValueError for sizes that make no model."""
    texts = [sentence.words for sentence in pronouns.sentences(sentences, seed)]
    words = tuple(sorted({word for text in texts for word in text}))
    ids = [np.array([words.index(word) for word in text]) for text in texts]
    pairs = neighbours(ids, RADIUS)
    noise = noise_distribution(np.bincount(np.concatenate(ids), minlength=len(words)))
    rng = np.random.default_rng(seed)
    model = SkipGram(len(words), width, rng, "float64")
    optimizer, start = AdamW(model, weight_decay=0.0), WordTable(words, model.vectors.copy())
    for _ in range(steps):
        drawn = rng.integers(len(pairs.words), size=PAIRS)
        strangers = rng.choice(len(words), size=(PAIRS, NEGATIVES), p=noise)
        model.zero_grad()
        _, cache = model.forward(pairs.words[drawn], pairs.contexts[drawn], strangers)
        model.backward(1.0, cache)
        optimizer.collect()
        optimizer.step(RATE)
    return start, WordTable(words, model.vectors.copy())
