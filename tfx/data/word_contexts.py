"""What word vectors learn from: which words stand near each other, and which random words to tell them from.

ids of a text   3 1 4 1      radius 2:   (3 1) (3 4) (1 3) (1 4) (1 1) (4 3) ...
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Neighbours(NamedTuple):
    """One entry for each pair, all arrays (N,): the two words, and how far apart they stood."""

    words: np.ndarray
    contexts: np.ndarray
    distances: np.ndarray


def neighbours(texts: Iterable[np.ndarray], radius: int) -> Neighbours:
    """All ordered pairs of ids at most `radius` apart in one text.  Raises ValueError for a radius below 1."""
    if radius < 1:
        raise ValueError(f"the radius must be at least 1, not {radius}")
    found: list[np.ndarray] = [np.zeros((3, 0), dtype=np.intp)]
    for text in texts:
        ids = np.asarray(text)
        for distance in range(1, min(radius, len(ids) - 1) + 1):
            left, right = ids[:-distance], ids[distance:]
            apart = np.full(len(left), distance)
            found += [np.stack([left, right, apart]), np.stack([right, left, apart])]
    return Neighbours(*np.concatenate(found, axis=1))


class CoOccurrences(NamedTuple):
    """One entry for each pair of words that ever met, sorted, all arrays (N,)."""

    words: np.ndarray
    contexts: np.ndarray
    counts: np.ndarray


def co_occurrences(texts: Iterable[np.ndarray], radius: int) -> CoOccurrences:
    """How often each pair of words met; d apart counts 1 / d (Pennington et al. 2014, section 4.2)."""
    words, contexts, distances = neighbours(texts, radius)
    pairs, which = np.unique(np.stack([words, contexts]), axis=1, return_inverse=True)
    counts = np.bincount(which.ravel(), 1 / distances, minlength=pairs.shape[1])
    return CoOccurrences(pairs[0], pairs[1], counts)


def noise_distribution(counts: np.ndarray, power: float = 0.75) -> np.ndarray:
    """counts: (V,) of each word -> (V,) the chances of the random words (Mikolov et al. 2013, section 2.2): between the
    words as frequent as they are (1) and all alike (0).  Raises ValueError when there is no word."""
    if not counts.sum() > 0:
        raise ValueError("there is no word to draw")
    weights = np.where(counts > 0, counts, 0.0) ** power * (counts > 0)
    return weights / weights.sum()


def keep_probability(counts: np.ndarray, threshold: float = 1e-5) -> np.ndarray:
    """counts: (V,) -> (V,) the chance that an occurrence stays in the text, min(1, sqrt(threshold / frequency)): "the"
    says little about its neighbours and would fill most pairs (Mikolov et al. 2013, equation 5)."""
    frequency = counts / max(counts.sum(), 1)
    return np.minimum(1.0, np.sqrt(threshold / np.maximum(frequency, threshold)))
