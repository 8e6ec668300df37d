"""Neighbouring pairs in a list of words, counted once and then kept up to date while pairs are merged.

Both BPE and WordPiece learn by merging one pair of neighbours, again and again.  Counting all pairs anew before every
merge would cost the whole corpus each time.  A merge changes only the words that hold the pair, and in them only the
pairs around it, so it is enough to know which words hold which pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

Pair = tuple[int, int]


class PairCounts:
    """words: (symbols, how often the word occurs) for every different word.

    `count[pair]` is how often the two symbols stand side by side in the whole corpus.
    """

    def __init__(self, words: Iterable[tuple[list[int], int]]) -> None:
        self.words = list(words)
        self.count: Counter[Pair] = Counter()
        self._holders: dict[Pair, set[int]] = {}
        for number, (symbols, times) in enumerate(self.words):
            for pair in pairwise(symbols):
                self.count[pair] += times
                self._holders.setdefault(pair, set()).add(number)

    def merge(self, pair: Pair, new: int) -> tuple[int, set[Pair]]:
        """Writes `new` in place of every `pair`, from the left: aaa becomes (aa) a.

        Returns how often, and the pairs whose count is another now.
        """
        replaced = 0
        change: Counter[Pair] = Counter()
        for number in self._holders.pop(pair, set()):
            symbols, times = self.words[number]
            merged = _merged(symbols, pair, new, times, change)
            self.words[number] = (merged, times)
            replaced += times * (len(symbols) - len(merged))
            for changed in pairwise(merged):
                if new in changed:
                    self._holders.setdefault(changed, set()).add(number)
        change[pair] -= replaced
        for changed, difference in change.items():
            self.count[changed] += difference
            if self.count[changed] == 0:
                del self.count[changed]
                self._holders.pop(changed, None)
        return replaced, set(change)


def _merged(symbols: list[int], pair: Pair, new: int, times: int, change: Counter[Pair]) -> list[int]:
    """The word after the merge.  Every replacement in  before (left right) after  changes four counts."""
    left, right = pair
    merged: list[int] = []
    n, i = len(symbols), 0
    while i < n:
        if symbols[i] != left or i + 1 == n or symbols[i + 1] != right:
            merged.append(symbols[i])
            i += 1
            continue
        if merged:
            change[merged[-1], left] -= times
            change[merged[-1], new] += times
        if i + 2 < n:
            change[right, symbols[i + 2]] -= times
            change[new, symbols[i + 2]] += times
        merged.append(new)
        i += 2
    return merged
