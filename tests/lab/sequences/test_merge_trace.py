"""Byte-pair encoding watched at work: the short form agrees with the library, and finds the fewest tokens."""

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

from tfx.lab.sequences.merge_trace import apply_in_order, fewest_tokens, learn_by_counting, letters_of, merge_pair
from tfx.tokenizers import BPE

LETTERS = "abcd"


def drawn(rng: np.random.Generator, words: int = 60) -> list[str]:
    return ["".join(rng.choice(list(LETTERS), size=rng.integers(1, 7))) for _ in range(words)]


@pytest.mark.parametrize("seed", range(5))
def test_merges_and_pieces_are_those_of_the_library(seed):
    rng = np.random.default_rng(seed)
    text, new = drawn(rng), drawn(rng)
    learned = learn_by_counting(text, 25)
    bpe = BPE.train(" ".join(text), 1 + len({*" ".join(text)}) + 25)
    texts = ["".join(merge.pair) for merge in learned]
    spelt = [merge for n, merge in enumerate(learned) if texts[n] not in texts[:n]]  # the library spells none twice
    assert [merge.pair for merge in spelt] == list(bpe.merges)[: len(spelt)]
    for word in new:
        states = apply_in_order(word, bpe.merges)
        pieces = states[-1][1] if states else letters_of(word)
        assert list(pieces) == [bpe.tokens[i] for i in bpe.encode(word)]


def test_symbols_are_counted_on_the_text_itself():
    learned = learn_by_counting(["aab", "ab", "b"], 2)
    assert learned[0] == (("b", " "), 3, 6) and learned[1] == (("a", "b "), 2, 4)
    assert learn_by_counting(["a"], 9) == [(("a", " "), 1, 1)]


def test_a_pair_that_overlaps_itself_is_merged_from_the_left():
    assert merge_pair(("a",) * 5, ("a", "a")) == ("aa", "aa", "a")


@pytest.mark.parametrize("seed", range(3))
def test_the_fewest_tokens_are_the_fewest_of_all_cuts(seed):
    rng = np.random.default_rng(seed)
    tokens = {*LETTERS, *(word[:3] for word in drawn(rng, 8)), "a ", "bc "}
    for word in drawn(rng, 30):
        whole, sizes = word + " ", []
        for n in range(len(whole)):
            for inner in combinations(range(1, len(whole)), n):
                cuts = [0, *inner, len(whole)]
                if all(whole[a:b] in tokens for a, b in pairwise(cuts)):
                    sizes.append(n + 1)
        found = fewest_tokens(word, tokens)
        assert (found is None) == (not sizes)
        assert found is None or (len(found) == min(sizes) and "".join(found) == whole)


def test_counts_never_rise_from_merge_to_merge():
    for seed in range(5):
        times = [merge.times for merge in learn_by_counting(drawn(np.random.default_rng(seed)), 30)]
        assert times == sorted(times, reverse=True)
    assert Counter(times)
