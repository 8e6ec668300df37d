"""Two hand-set lookups that find what "it" refers to.  Nothing is learned: every matrix is written down below.

Lookup 1 asks "which quality is named here?" and adds the answer to the asking word.
Lookup 2 then asks "which word can have that quality?".

Both are ordinary attention with projections W_Q, W_K, W_V; the point is that the weights follow the words while the
projections stay as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.data.pronouns import FITS_MOVERS, FITS_PLACES, MOVERS, PLACES
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward

#: What each coordinate of a word vector says.
FEATURES = ("mover", "place", "fits mover", "fits place", "asks")
_KNOWN = {word: feature for feature, group in enumerate((MOVERS, PLACES, FITS_MOVERS, FITS_PLACES)) for word in group}


class Lookups(NamedTuple):
    """asker: position of the asking word.  first, second: its rows of weights, (T,); scores: (T,), those of the second.
    known: how many words have hand-set vectors, the asker included; quality: whether another word names a quality."""

    asker: int
    first: np.ndarray
    second: np.ndarray
    scores: np.ndarray
    known: int
    quality: bool


def word_vectors(words: tuple[str, ...], asker: int, rng: np.random.Generator) -> np.ndarray:
    """(T, 5) vectors: hand-set for known words, small random ones (the same for equal words) for all others."""
    vectors = {word: 0.1 * rng.standard_normal(len(FEATURES)) for word in dict.fromkeys(words)}
    vectors |= {word: np.eye(len(FEATURES))[_KNOWN[word]] for word in vectors if word in _KNOWN}
    x = np.stack([vectors[word] for word in words])
    x[asker] = np.eye(len(FEATURES))[FEATURES.index("asks")]
    return x


def projections(sharpness: float) -> dict[str, np.ndarray]:
    """The six matrices, (5, .); `sharpness` multiplies the queries."""
    quality_q, quality_k, quality_v = np.zeros((5, 1)), np.zeros((5, 1)), np.zeros((5, 5))
    quality_q[4, 0] = sharpness  # the asking word looks for a quality ...
    quality_k[2, 0] = quality_k[3, 0] = 1.0  # ... both kinds of quality word can be found ...
    quality_v[2, 2] = quality_v[3, 3] = 1.0  # ... and hand over which kind they are
    noun_q, noun_k = np.zeros((5, 2)), np.zeros((5, 2))
    noun_q[2, 0] = noun_q[3, 1] = sharpness  # "fits mover" looks for movers, "fits place" for places
    noun_k[0, 0] = noun_k[1, 1] = 1.0
    return {"q1": quality_q, "k1": quality_k, "v1": quality_v, "q2": noun_q, "k2": noun_k, "v2": np.eye(5)}


def find_referent(words: tuple[str, ...], sharpness: float, rng: np.random.Generator) -> Lookups:
    """Runs both lookups.  The asker is the first "it" after the first word, or else the last word."""
    asker = words.index("it", 1) if "it" in words[1:] else len(words) - 1
    x, w = word_vectors(words, asker, rng), projections(sharpness)
    q, k, v = (linear_forward(x, w[name])[0] for name in ("q1", "k1", "v1"))
    found, first = attention_forward(q, k, v, scale=1.0)
    x2 = x + found  # the residual connection: the word keeps what it was and adds what it found
    q, k, v = (linear_forward(x2, w[name])[0] for name in ("q2", "k2", "v2"))
    _, second = attention_forward(q, k, v, scale=1.0)
    others = (*words[:asker], *words[asker + 1 :])  # the asking word's own vector only asks
    known = 1 + sum(word in _KNOWN for word in others)
    quality = not {*FITS_MOVERS, *FITS_PLACES}.isdisjoint(others)
    return Lookups(asker, first.weights[asker], second.weights[asker], q[asker] @ k.T, known, quality)
