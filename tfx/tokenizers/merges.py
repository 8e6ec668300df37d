"""The two halves of byte-pair encoding: learning a list of merges, and applying it (Sennrich et al. 2016, 3.2).

Learning:  merge the most frequent pair of neighbours everywhere, and repeat.       e s -> es,  es t -> est, ...
Applying:  in a new word, merge the pair that was learned first, and repeat.

A tie goes to the pair with the lower ids, or to the one first by spelling, so that one corpus gives one list on every
machine.  A heap holds the pairs by count.  Counts in it may be out of date: a count that rose has a fresh entry, one
that fell is put back when met.
"""

from __future__ import annotations

import heapq
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tfx.tokenizers.pairs import Pair, PairCounts


class Merge(NamedTuple):
    """The symbols `left` `right` become `new`."""

    left: int
    right: int
    new: int


def learn_merges(
    words: Iterable[tuple[list[int], int]],
    symbols: Sequence[str],
    vocab_size: int,
    min_frequency: int = 1,
    forbidden: Collection[str] = (),
    join: Callable[[str, str], str] = operator.add,
    ties: Literal["ids", "spelling"] = "ids",
) -> tuple[list[Merge], list[str]]:
    """words: (symbol ids, count) of every different word.  symbols: id -> text at the start.

    -> the merges in the order learned, and id -> text after them.  Stops at vocab_size symbols, or when no pair is as
    frequent as min_frequency.  No merge spells a `forbidden` text.  join: what two texts spell together.

    No two merges spell the same text, as ab c and a bc would: until a merge reaches across its edges, a stretch of a
    word is cut as if it stood alone, so equal stretches are cut alike, and one merge makes a token of all of them.
    """
    symbols = list(symbols)
    pairs = PairCounts(words)

    def entry(pair: Pair) -> tuple[int, tuple[str, ...], Pair]:
        spelling = (symbols[pair[0]], symbols[pair[1]]) if ties == "spelling" else ()
        return -pairs.count[pair], spelling, pair

    heap = [entry(pair) for pair in pairs.count]
    heapq.heapify(heap)
    merges: list[Merge] = []
    while heap and len(symbols) < vocab_size:
        count, _, pair = heapq.heappop(heap)
        now = pairs.count.get(pair, 0)
        if now < min_frequency or now < 1:
            continue
        if now != -count:
            heapq.heappush(heap, entry(pair))
            continue
        text = join(symbols[pair[0]], symbols[pair[1]])
        if text in forbidden:
            continue
        new = len(symbols)
        symbols.append(text)
        merges.append(Merge(*pair, new))
        for changed in pairs.merge(pair, new)[1]:
            if changed in pairs.count:
                heapq.heappush(heap, entry(changed))
    return merges, symbols


Ranks = Mapping[Pair, tuple[int, int]]


def ranks_of(merges: Iterable[Merge]) -> dict[Pair, tuple[int, int]]:
    """(left, right) -> (rank, new): rank 0 was learned first.  Of a pair given twice the first one counts."""
    ranks: dict[Pair, tuple[int, int]] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault((merge.left, merge.right), (rank, merge.new))
    return ranks


def apply_merges(symbols: Sequence[int], ranks: Ranks) -> list[tuple[int, int]]:
    """-> (symbol, how many of the given symbols it stands for).  One merge at a time: the lowest rank, leftmost.

    A heap of the possible merges and a chain of neighbours make it O(n log n) for a word of n symbols.
    """
    chain: list[int | None] = list(symbols)  # None where a symbol was taken over by its left neighbour
    n = len(chain)
    after = list(range(1, n + 1))  # position of the next symbol that is left
    before = list(range(-1, n - 1))
    heap: list[tuple[int, int, int, int]] = []

    def offer(at: int) -> None:
        if at >= 0 and after[at] < n:
            left, right = chain[at], chain[after[at]]
            if left is not None and right is not None and (left, right) in ranks:
                heapq.heappush(heap, (ranks[left, right][0], at, left, right))

    for i in range(n - 1):
        offer(i)
    while heap:
        _, at, left, right = heapq.heappop(heap)
        taken = after[at]
        if chain[at] != left or taken >= n or chain[taken] != right:
            continue  # one of the two is part of another symbol by now
        chain[at], chain[taken] = ranks[left, right][1], None
        after[at] = after[taken]
        if after[at] < n:
            before[after[at]] = at
        offer(at)
        offer(before[at])
    return [(symbol, after[i] - i) for i, symbol in enumerate(chain) if symbol is not None]
