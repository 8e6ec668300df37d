"""A random vector for every word, made from its letters: where no trained model is at hand, a word is still a word.

The same word gets the same vector in every sentence and in every place of it, and another word another one.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from tfx.measure.seeds import generator


def word_vectors(words: Sequence[str], width: int, seed: int) -> np.ndarray:
    """T words -> (T, width) float64, standard normal.  A row depends on its word and the seed alone."""
    by_word = {word: generator(seed, zlib.crc32(word.encode())).standard_normal(width) for word in set(words)}
    return np.stack([by_word[word] for word in words])
