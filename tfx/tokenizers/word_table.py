"""The sum over all cuts of many words at once: the words of one length side by side, as arrays.

lattice.py walks over one word, edge by edge, and says how.  EM walks over all words of a corpus again and again; here
the walk goes from position to position of all words of a length together.  Which pieces fit where is looked up once;
after that only their scores change, and a piece that was dropped has the score -inf.  Many times faster, the same
numbers: a test says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """W words of n characters.  pieces (W, n, m): the index of the piece at a start with a length of 1 .. m, or the
    index behind the last piece where there is none.  times (W,): how often each word stands."""

    pieces: np.ndarray
    times: np.ndarray


class WordTable:
    """words: how often each stands.  pieces: all that may ever be used; every character of the words among them."""

    def __init__(self, words: Mapping[str, int], pieces: Sequence[str]) -> None:
        self.pieces = tuple(pieces)
        self._index = {piece: i for i, piece in enumerate(pieces)}
        longest = max(map(len, pieces))
        by_length: dict[int, list[str]] = {}
        for word in words:
            by_length.setdefault(len(word), []).append(word)
        self._rows = [self._rows_of(words, group, min(n, longest)) for n, group in sorted(by_length.items())]

    def expectation(self, model: Mapping[str, float]) -> tuple[float, np.ndarray]:
        """model: piece -> score.  -> the log-likelihood of all words, and for every piece how often it is expected."""
        scores = np.full(len(self.pieces) + 1, -np.inf)
        scores[[self._index[piece] for piece in model]] = list(model.values())
        counts = np.zeros(len(self.pieces) + 1)
        log_likelihood = 0.0
        for rows in self._rows:
            total, chances = _chances(scores[rows.pieces])
            log_likelihood += float(rows.times @ total)
            weights = chances * rows.times[:, None, None]
            counts += np.bincount(rows.pieces.ravel(), weights.ravel(), minlength=len(counts))
        return log_likelihood, counts[:-1]

    def _rows_of(self, words: Mapping[str, int], group: Sequence[str], m: int) -> Rows:
        none = len(self.pieces)
        fits: Iterable[int] = (
            self._index.get(word[start : start + size], none) if start + size <= len(word) else none
            for word in group
            for start in range(len(word))
            for size in range(1, m + 1)
        )
        pieces = np.fromiter(fits, dtype=np.intp).reshape(len(group), len(group[0]), m)
        return Rows(pieces, np.array([words[word] for word in group], dtype=float))


def _chances(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """scores (W, n, m) -> total (W,), and the chance of every edge, of the shape of the scores."""
    n_words, n, m = scores.shape
    alpha = np.zeros((n_words, n + 1))  # as lattice.forward
    beta = np.zeros((n_words, n + 1))  # as lattice.backward
    for end in range(1, n + 1):
        sizes = np.arange(1, min(m, end) + 1)
        alpha[:, end] = _log_sum(alpha[:, end - sizes] + scores[:, end - sizes, sizes - 1])
    for start in range(n - 1, -1, -1):
        sizes = np.arange(1, min(m, n - start) + 1)
        beta[:, start] = _log_sum(scores[:, start, sizes - 1] + beta[:, start + sizes])
    total = alpha[:, n]
    ends = np.minimum(np.arange(n)[:, None] + np.arange(1, m + 1), n)  # past the end the score is -inf
    return total, np.exp(alpha[:, :n, None] + scores + beta[:, ends] - total[:, None, None])


def _log_sum(scores: np.ndarray) -> np.ndarray:
    """Over the last axis; at least one score of each row is finite."""
    highest = scores.max(axis=-1, keepdims=True)
    return highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=-1))
