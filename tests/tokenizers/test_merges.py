"""Merges against the plainest possible trainer and encoder."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.tokenizers.merges import Merge, apply_merges, learn_merges, ranks_of
from tfx.tokenizers.pairs import PairCounts

WORDS = st.dictionaries(st.text("abc", min_size=1, max_size=9), st.integers(1, 5), min_size=1, max_size=12)
ALPHABET = ["a", "b", "c"]


def ids(word):
    return ["abc".index(letter) for letter in word]


def plain_merge(symbols, pair, new):
    merged = []
    while symbols:
        if tuple(symbols[:2]) == pair:
            merged, symbols = [*merged, new], symbols[2:]
        else:
            merged, symbols = [*merged, symbols[0]], symbols[1:]
    return merged


def plain_training(words, size):
    """Counts everything anew before every merge."""
    cut = [(ids(word), count) for word, count in words.items()]
    texts, merges = list(ALPHABET), []
    while len(texts) < size:
        count = Counter()
        for symbols, times in cut:
            for pair in pairwise(symbols):
                count[pair] += times
        if not count:
            break
        pair = min(count, key=lambda pair: (-count[pair], pair))
        text = texts[pair[0]] + texts[pair[1]]
        if text not in texts:
            texts.append(text)
        merges.append(Merge(*pair, texts.index(text)))
        cut = [(plain_merge(symbols, pair, merges[-1].new), times) for symbols, times in cut]
    return merges, texts


def plain_encoding(symbols, ranks):
    """One merge at a time: the lowest rank, leftmost."""
    while True:
        possible = [(ranks[pair][0], i) for i, pair in enumerate(pairwise(symbols)) if pair in ranks]
        if not possible:
            return symbols
        _, i = min(possible)
        symbols = [*symbols[:i], ranks[tuple(symbols[i : i + 2])][1], *symbols[i + 2 :]]


@given(WORDS, st.integers(3, 30))
@settings(max_examples=150, deadline=None)
def test_learning_with_kept_counts_is_learning_with_counts_made_anew(words, size):
    merges, texts = learn_merges([(ids(word), count) for word, count in words.items()], ALPHABET, size)
    assert (merges, texts) == plain_training(words, size)


@given(WORDS, st.text("abc", max_size=14))
@settings(max_examples=150, deadline=None)
def test_encoding_with_a_heap_is_encoding_one_merge_at_a_time(words, word):
    merges, texts = learn_merges([(ids(each), count) for each, count in words.items()], ALPHABET, 30)
    found = apply_merges(ids(word), ranks_of(merges))
    assert [symbol for symbol, _ in found] == plain_encoding(ids(word), ranks_of(merges))
    assert [len(texts[symbol]) for symbol, _ in found] == [length for _, length in found]
    assert "".join(texts[symbol] for symbol, _ in found) == word


@given(WORDS, st.data())
def test_kept_counts_stay_the_counts_of_the_words(words, data):
    pairs = PairCounts([(ids(word), count) for word, count in words.items()])
    for new in range(3, 7):
        if not pairs.count:
            break
        before = Counter({s: sum(t * w.count(s) for w, t in pairs.words) for s in range(8)})
        pair = data.draw(st.sampled_from(sorted(pairs.count)))
        replaced, _ = pairs.merge(pair, new)
        anew = Counter()
        for symbols, times in pairs.words:
            for each in pairwise(symbols):
                anew[each] += times
        assert pairs.count == anew
        after = Counter({s: sum(t * w.count(s) for w, t in pairs.words) for s in range(8)})
        assert after[new] - before[new] == replaced > 0
        assert sum(before.values()) - sum(after.values()) == replaced


def test_a_tie_goes_to_the_pair_with_the_lower_ids():
    merges, _ = learn_merges([(ids("cb"), 2), (ids("ba"), 2), (ids("bc"), 2)], ALPHABET, 4)
    assert merges == [Merge(1, 0, 3)]


def test_pairs_below_the_frequency_asked_for_are_not_merged():
    words = [(ids("ab"), 3), (ids("bc"), 2)]
    assert len(learn_merges(words, ALPHABET, 9, min_frequency=2)[0]) == 2
    assert len(learn_merges(words, ALPHABET, 9, min_frequency=3)[0]) == 1


@given(st.dictionaries(st.text("ab", min_size=1, max_size=16), st.integers(1, 5), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_no_two_merges_spell_the_same(words):
    merges, texts = learn_merges([(ids(word), count) for word, count in words.items()], ALPHABET, 60)
    assert len(set(texts)) == len(texts) == len(ALPHABET) + len(merges)
    assert [texts[merge.left] + texts[merge.right] for merge in merges] == [texts[merge.new] for merge in merges]


def test_a_text_that_is_forbidden_is_passed_over():
    merges, texts = learn_merges([(ids("abc"), 5)], ALPHABET, 12, forbidden=["ab", "abc"])
    assert texts == [*ALPHABET, "bc"] and merges == [Merge(1, 2, 3)]


@pytest.mark.parametrize("n", [0, 1, 2, 7, 20_000])
def test_a_long_run_is_merged_from_the_left(n):
    ranks = ranks_of([Merge(0, 0, 3)])
    assert apply_merges([0] * n, ranks) == [(3, 2)] * (n // 2) + [(0, 1)] * (n % 2)


def test_the_first_of_two_ranks_of_a_pair_counts():
    assert ranks_of([Merge(0, 1, 3), Merge(1, 2, 4), Merge(0, 1, 3)]) == {(0, 1): (0, 3), (1, 2): (1, 4)}
