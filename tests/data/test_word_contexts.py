"""Pairs of neighbours and what is made of them."""

from collections import Counter

import numpy as np
import pytest

from tfx.data.word_contexts import co_occurrences, keep_probability, neighbours, noise_distribution

TEXTS = [np.array([3, 1, 4, 1]), np.array([5]), np.array([], dtype=int), np.array([2, 3])]


def test_neighbours_are_all_pairs_within_the_radius_both_ways():
    found = neighbours(TEXTS, 2)
    expected = Counter(
        (int(text[i]), int(text[j]), abs(i - j))
        for text in TEXTS
        for i in range(len(text))
        for j in range(len(text))
        if 0 < abs(i - j) <= 2
    )
    assert Counter(zip(*(each.tolist() for each in found), strict=True)) == expected


def test_pairs_do_not_reach_into_the_next_text():
    found = neighbours([np.array([1, 2]), np.array([3, 4])], 9)
    assert {tuple(pair) for pair in np.stack(found[:2]).T.tolist()} == {(1, 2), (2, 1), (3, 4), (4, 3)}


def test_co_occurrences_weigh_by_distance_and_are_symmetric():
    table = np.zeros((6, 6))
    found = co_occurrences(TEXTS, 2)
    table[found.words, found.contexts] = found.counts
    assert (table == table.T).all()
    assert (
        table[3, 1] == 1 and table[1, 4] == 2 and table[3, 4] == 0.5 and table[1, 1] == 2 * 0.5 and table[5].sum() == 0
    )
    assert (found.counts > 0).all()


def test_no_texts_have_no_pairs():
    assert neighbours([], 3).words.shape == (0,) and co_occurrences([], 3).counts.shape == (0,)


def test_the_noise_lies_between_frequency_and_all_alike():
    counts = np.array([16.0, 1.0, 0.0])
    assert noise_distribution(counts) == pytest.approx([8 / 9, 1 / 9, 0])
    assert noise_distribution(counts, power=1) == pytest.approx(counts / 17)
    assert noise_distribution(counts, power=0) == pytest.approx([0.5, 0.5, 0])


def test_frequent_words_are_thinned_out_and_rare_ones_stay():
    kept = keep_probability(np.array([400, 599, 1, 0]), threshold=1e-2)
    assert kept == pytest.approx([np.sqrt(1e-2 / 0.4), np.sqrt(1e-2 / 0.599), 1, 1])


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="the radius must be at least 1"):
        neighbours(TEXTS, 0)
    with pytest.raises(ValueError, match="there is no word to draw"):
        noise_distribution(np.zeros(3))
