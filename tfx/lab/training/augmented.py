"""A classifier of sentences with few examples: what changed copies of them add.

A sentence has 3 words of praise or 3 of blame, and 5 words that say neither; its label is which.  Each word of praise
has a synonym among the words of praise, and so has each of blame; few sentences show few of them.

    none        the examples as they are
    mask        each word blanked out with probability `rate`, anew in each step
    synonyms    each word replaced with probability `rate` by one that means the same
    any word    ... by any word of the vocabulary, so that praise may turn into blame while the label stays
Sources: Wei and Zou 2019, "EDA"; blanked words: Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods
for Text Classification".
"""

from __future__ import annotations

import numpy as np

from tfx.data.augmentation import mask_tokens, replace_tokens
from tfx.lab.training.points import Perceptron, Points, Rng, fit, judge
from tfx.optim import Adam

WAYS = ("none", "mask", "synonyms", "any word")
#: Words of praise (as many of blame), words that say neither; of either kind in a sentence.
OPINIONS, OTHERS, TELLING, LENGTH = 20, 40, 3, 8
WORDS = 2 * OPINIONS + OTHERS
FILLER = WORDS
TEST = 1000


def sentences(n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """-> ids: (n, LENGTH), labels: (n,), 0 for praise and 1 for blame."""
    labels = rng.integers(2, size=n)
    telling = rng.integers(OPINIONS, size=(n, TELLING)) + OPINIONS * labels[:, None]
    others = rng.integers(OTHERS, size=(n, LENGTH - TELLING)) + 2 * OPINIONS
    return np.concatenate([telling, others], axis=1), labels


def synonyms() -> np.ndarray:
    """(WORDS + 1, n): for each word of an opinion those of the same opinion; the others mean themselves."""
    table = np.repeat(np.arange(WORDS + 1)[:, None], OPINIONS, axis=1)
    table[:OPINIONS], table[OPINIONS : 2 * OPINIONS] = np.arange(OPINIONS), np.arange(OPINIONS, 2 * OPINIONS)
    return table


def any_word() -> np.ndarray:
    """(WORDS + 1, WORDS): each word may become each."""
    return np.tile(np.arange(WORDS), (WORDS + 1, 1))


def changed(ids: np.ndarray, way: str, rate: float, rng: Rng) -> np.ndarray:
    """ids: (B, T) -> a copy, changed in that way."""
    if way == "mask":
        return mask_tokens(ids, rate, FILLER, rng)
    if way == "none":
        return ids
    return replace_tokens(ids, rate, synonyms() if way == "synonyms" else any_word(), rng)


def counted(ids: np.ndarray) -> np.ndarray:
    """ids: (B, T) -> (B, WORDS): how often each word stands in a sentence; the filler counts as none."""
    return (ids[..., None] == np.arange(WORDS)).sum(axis=1).astype(np.float64)


def told_apart(way: str, examples: int, rate: float, seed: tuple[int, ...], steps: int = 150) -> float:
    """The share of new sentences that is classified right, by one network that learned from so many examples."""
    rng = np.random.default_rng(seed)
    ids, labels = sentences(examples, rng)
    new, truth = sentences(TEST, rng)
    model = Perceptron(WORDS, 16, 2, rng)

    def batch(draw: Rng) -> Points:
        rows = draw.integers(examples, size=32)
        return Points(counted(changed(ids[rows], way, rate, draw)), labels[rows])

    fit(model, Adam(model), batch, steps, 0.01, int(rng.integers(2**31)))
    return judge(model, Points(counted(new), truth)).accuracy
