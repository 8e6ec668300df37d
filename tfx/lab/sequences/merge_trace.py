"""Byte-pair encoding watched at work: the algorithm as short as it can be, and what each merge does to a text.

    learn     count all pairs of neighbours, merge the most frequent one everywhere, and repeat
    apply     in a new word, the merges in the order in which they were learned
    fewest    the fewest tokens that the same vocabulary could write a word with

tfx/tokenizers/bpe.py gives the same merges and pieces with less work.
Source: Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units", section 3.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from tfx.tokenizers.bpe import END_OF_WORD

Symbols = tuple[str, ...]
Pair = tuple[str, str]


class Merged(NamedTuple):
    """One merge: the pair, how often it stood side by side before, and the symbols that the text has after it."""

    pair: Pair
    times: int
    symbols: int


def letters_of(word: str) -> Symbols:
    """`low` -> l, o, w and the sign for the end of a word."""
    return (*word, END_OF_WORD)


def pair_counts(words: Mapping[Symbols, int]) -> Counter[Pair]:
    """words: how often each stands in the text, cut into symbols."""
    counts: Counter[Pair] = Counter()
    for symbols, times in words.items():
        for pair in pairwise(symbols):
            counts[pair] += times
    return counts


def merge_pair(symbols: Symbols, pair: Pair) -> Symbols:
    """Writes every occurrence of the pair as one symbol, from the left."""
    merged: list[str] = []
    i = 0
    while i < len(symbols):
        width = 2 if symbols[i : i + 2] == pair else 1
        merged.append("".join(symbols[i : i + width]))
        i += width
    return tuple(merged)


def learn_by_counting(text: Iterable[str], n_merges: int) -> list[Merged]:
    """text: words.  A tie goes to the pair whose symbols were there first, the letters by alphabet.

    Fewer merges where no pair of neighbours is left.
    """
    words = Counter(letters_of(word) for word in text)
    rank = {symbol: i for i, symbol in enumerate(sorted({symbol for symbols in words for symbol in symbols}))}
    found: list[Merged] = []
    while len(found) < n_merges and (counts := pair_counts(words)):
        pair = min(counts, key=lambda pair: (-counts[pair], rank[pair[0]], rank[pair[1]]))
        words = Counter({merge_pair(symbols, pair): times for symbols, times in words.items()})
        rank.setdefault("".join(pair), len(rank))
        found.append(Merged(pair, counts[pair], sum(len(symbols) * times for symbols, times in words.items())))
    return found


def apply_in_order(word: str, merges: Iterable[Pair]) -> list[tuple[Pair, Symbols]]:
    """The merges that change the word, in the order in which they were learned, and what it is after each."""
    symbols, found = letters_of(word), []
    for pair in merges:
        merged = merge_pair(symbols, pair)
        if merged != symbols:
            symbols = merged
            found.append((pair, symbols))
    return found


def fewest_tokens(word: str, tokens: Collection[str]) -> Sequence[str] | None:
    """A cut of the word and its end into as few tokens as can be; None when there is none."""
    whole = word + END_OF_WORD
    best: list[list[str] | None] = [[], *[None] * len(whole)]  # of each beginning
    for end in range(1, len(whole) + 1):
        for start in range(end):
            before = best[start]
            if before is not None and whole[start:end] in tokens:
                now = best[end]
                if now is None or len(before) + 1 < len(now):
                    best[end] = [*before, whole[start:end]]
    return best[-1]
