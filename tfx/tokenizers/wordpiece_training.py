"""Learning the pieces of WordPiece: merge the pair that makes the corpus most likely (Schuster and Nakajima 2012).

A corpus of N symbols, in which symbol s stands n_s times, has under the model "every symbol by itself" the
log-likelihood  sum_s n_s log(n_s / N) = sum_s f(n_s) - f(N)  with f(n) = n log n.  Merging the pair a b, which stands
k times, changes it by

    gain = f(n_a - k) - f(n_a) + f(n_b - k) - f(n_b) + f(n_ab + k) - f(n_ab) - f(N - k) + f(N)

with f(n_a - 2k) - f(n_a) for both parts when a = b.  n_ab is 0, unless an earlier merge has spelt the same (ab c and
a bc).  Each step takes the pair with the largest gain: the unit that "increases the likelihood on the training data
the most" (2012, section 3, in words); a tie goes to the lower ids.  In a run such as aaa the pairs overlap and k
counts both, so that there the gain is an estimate.

Google's trainer is not published, and two readings are about.  score="ratio" is the other one, k / (n_a n_b): the
strength of the bond alone.  It first joins rare characters that always stand together, where the gain also asks how
often they do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tfx.tokenizers.pairs import Pair, PairCounts

INSIDE = "##"  # in front of a piece that does not begin a word


class Counts(NamedTuple):
    """One entry for every pair: how often it stands, its parts, and what it spells.  total: all symbols."""

    pair: np.ndarray
    left: np.ndarray
    right: np.ndarray
    spelt: np.ndarray
    same: np.ndarray  # the two parts are one symbol
    total: int


def likelihood_gain(n: Counts) -> np.ndarray:
    """By how much the merge of each pair raises the log-likelihood of the corpus, in nats."""
    k = n.pair
    apart = _f(n.left - k) - _f(n.left) + _f(n.right - k) - _f(n.right)
    parts = np.where(n.same, _f(n.left - 2 * k) - _f(n.left), apart)
    return parts + _f(n.spelt + k) - _f(n.spelt) - _f(n.total - k) + _f(np.asarray(n.total))


def bond_ratio(n: Counts) -> np.ndarray:
    """How much more often each pair stands together than chance would have it, up to the factor `total`."""
    return n.pair / (n.left * n.right)


SCORES: dict[str, Callable[[Counts], np.ndarray]] = {"likelihood": likelihood_gain, "ratio": bond_ratio}


def _f(n: np.ndarray) -> np.ndarray:
    return n * np.log(np.maximum(n, 1))


def learn_pieces(
    words: Iterable[tuple[list[int], int]],
    symbols: Sequence[str],
    vocab_size: int,
    score: Callable[[Counts], np.ndarray] = likelihood_gain,
    min_frequency: int = 1,
    forbidden: Collection[str] = (),
) -> list[str]:
    """words: (symbol ids, count) of every different word.  symbols: id -> text at the start.  -> id -> text at the end.

    Stops at vocab_size symbols, or when no pair as frequent as min_frequency has a score above 0.
    """
    pieces = _Pieces(words, symbols, forbidden)
    while len(pieces.symbols) < vocab_size:
        pair = pieces.best(score, min_frequency)
        if pair is None:
            break
        pieces.merge(pair)
    return pieces.symbols


class _Pieces:
    """All pairs as rows of arrays, so that a step can score them all at once: after a merge every gain is another."""

    def __init__(
        self, words: Iterable[tuple[list[int], int]], symbols: Sequence[str], forbidden: Collection[str]
    ) -> None:
        self.symbols = list(symbols)
        self._id_of = {text: i for i, text in enumerate(symbols)}
        self._forbidden = forbidden
        self._pairs = PairCounts(words)
        self._used = np.zeros(len(symbols), dtype=np.int64)  # how often each symbol stands in the corpus
        for word, times in self._pairs.words:
            np.add.at(self._used, word, times)
        self._row_of: dict[Pair, int] = {}
        self._rows_spelling: dict[str, list[int]] = {}
        self._rows = np.zeros((4, 1024), dtype=np.int64)  # count, left, right, id of what it spells or -1
        self._write(self._pairs.count)

    def best(self, score: Callable[[Counts], np.ndarray], min_frequency: int) -> Pair | None:
        count, left, right, spelt = self._rows[:, : len(self._row_of)]
        possible = np.flatnonzero(count >= max(min_frequency, 1))
        if possible.size == 0:
            return None
        count, left, right, spelt = (row[possible] for row in (count, left, right, spelt))
        already = np.where(spelt >= 0, self._used[spelt], 0)
        total = int(self._used.sum())
        scores = score(Counts(count, self._used[left], self._used[right], already, left == right, total))
        highest = scores.max()
        if highest <= 0:
            return None
        return min((int(left[i]), int(right[i])) for i in np.flatnonzero(scores == highest))

    def merge(self, pair: Pair) -> None:
        text = joined(self.symbols[pair[0]], self.symbols[pair[1]])
        new = self._id_of.setdefault(text, len(self.symbols))
        if new == len(self.symbols):
            self.symbols.append(text)
            self._used = np.append(self._used, 0)
            self._rows[3, self._rows_spelling[text]] = new
        replaced, changed = self._pairs.merge(pair, new)
        self._used[new] += replaced
        np.subtract.at(self._used, list(pair), replaced)
        self._write({neighbours: self._pairs.count.get(neighbours, 0) for neighbours in changed})

    def _write(self, counts: Mapping[Pair, int]) -> None:
        for pair, count in counts.items():
            row = self._row_of.get(pair)
            if row is None:
                text = joined(self.symbols[pair[0]], self.symbols[pair[1]])
                if text in self._forbidden:
                    continue
                row = self._row_of[pair] = len(self._row_of)
                if row == self._rows.shape[1]:
                    self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)], axis=1)
                self._rows_spelling.setdefault(text, []).append(row)
                self._rows[1:, row] = *pair, self._id_of.get(text, -1)
            self._rows[0, row] = count


def cut_word(word: str) -> list[str]:
    """The characters of a word, those that do not begin it marked: abc -> a ##b ##c."""
    return [word[0], *(INSIDE + character for character in word[1:])]


def joined(left: str, right: str) -> str:
    """What two neighbouring pieces spell together: ##a ##b -> ##ab."""
    return left + right.removeprefix(INSIDE)
