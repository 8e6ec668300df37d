"""Pieces of words put together again: shares of pieces become shares of words.

A tokenizer may cut a word to pieces, and a reader thinks in words.  The weight that goes to a word is the sum over its
pieces, exactly, because a row of weights is a row of shares.  The weights that come from a word are the mean over its
pieces, which is a choice: each piece looks on its own.  Both keep the sum of a row at 1.
Source: Clark et al. 2019, "What Does BERT Look At? An Analysis of BERT's Attention", section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfx.backend import Array


def to_words(weights: Array, word_of: Sequence[int]) -> Array:
    """weights: (..., T), word_of: for each of the T tokens the word that it belongs to -> (..., W), summed."""
    return weights @ _belongs(word_of)


def between_words(weights: Array, word_of: Sequence[int]) -> Array:
    """weights: (T, T) -> (W, W): summed over the pieces of a word looked at, averaged over those of a looking one."""
    belongs = _belongs(word_of)  # (T, W)
    return (belongs / belongs.sum(axis=0)).T @ to_words(weights, word_of)


def _belongs(word_of: Sequence[int]) -> Array:
    """(T, W), 1 where the token is a piece of the word.  Every word has a piece."""
    return (np.asarray(word_of)[:, None] == np.arange(max(word_of) + 1)).astype(float)
