"""Word order: orders are those that can be listed, and every reader sees what its name says."""

from itertools import permutations

import numpy as np
import pytest

from tfx.lab.sequences import word_order


@pytest.mark.parametrize("word", ["a", "ab", "aab", "abcab", "banana"])
def test_orders_are_as_many_as_can_be_listed(word):
    assert word_order.orders(word) == len(set(permutations(word)))


def test_readers_count_words_neighbours_and_places():
    ids = np.array([[0, 2, 0]])
    assert word_order.counts(ids, 3).tolist() == [[2, 0, 1]]
    assert word_order.neighbours(ids, 3).reshape(3, 3).tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert word_order.places(ids, 3).reshape(3, 3).tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]


def test_no_animal_bites_itself_and_every_pair_is_as_frequent():
    ids = word_order.who_bit_whom(np.random.default_rng(0), 4, 24_000)
    assert set(ids[:, 1]) == {4} and (ids[:, 0] != ids[:, 2]).all()
    pairs = np.bincount(ids[:, 0] * 4 + ids[:, 2], minlength=16)
    assert (np.abs(pairs[pairs > 0] - 2000) < 250).all() and (pairs > 0).sum() == 12


def test_counts_do_not_tell_who_bit():
    right = word_order.answered(np.random.default_rng(1), 5, 4000)
    assert right["counts of words"][0] == 1 and right["counts of words"][1] == pytest.approx(0.5, abs=0.06)
    assert right["counts of neighbours"] == right["words at places"] == (1, 1)
