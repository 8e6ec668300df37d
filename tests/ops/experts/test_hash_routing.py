"""A word always meets the same expert."""

import numpy as np
import pytest

from tfx.ops.experts.hash_routing import balanced_hash, hash_experts, random_hash

FREQUENCIES = 1000.0 / np.arange(1, 51)  # Zipf


def loads(table, n_experts):
    return np.bincount(table, weights=FREQUENCIES, minlength=n_experts)


def test_equal_ids_meet_equal_experts_wherever_they_stand():
    table = random_hash(50, 4, np.random.default_rng(0))
    ids = np.array([[7, 3, 7], [3, 9, 7]])
    experts = hash_experts(ids, table)
    np.testing.assert_array_equal(experts, [[table[i] for i in row] for row in ids])


def test_a_random_hash_gives_every_expert_as_many_ids_and_equal_seeds_equal_tables():
    tables = [random_hash(50, 4, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert sorted(np.bincount(tables[0]).tolist()) == [12, 12, 13, 13]
    assert (tables[0] == tables[1]).all() and (tables[0] != tables[2]).any()


def test_a_balanced_hash_evens_out_the_load_as_far_as_one_word_allows():
    even = loads(balanced_hash(FREQUENCIES, 4), 4)
    uneven = loads(random_hash(50, 4, np.random.default_rng(0)), 4)
    assert np.ptp(even) < 10 < 300 < np.ptp(uneven)
    assert np.ptp(loads(balanced_hash(FREQUENCIES, 8), 8)) <= FREQUENCIES.max()


def test_one_expert_takes_every_id_and_ids_that_never_occur_are_dealt_out_too():
    assert random_hash(3, 1, np.random.default_rng(0)).tolist() == [0, 0, 0]
    assert balanced_hash(np.array([0.5, 0, 0.5]), 1).tolist() == [0, 0, 0]
    assert balanced_hash(np.array([2.0, 0.0, 1.0]), 2).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: random_hash(5, 0, np.random.default_rng(0)), ValueError, "at least one expert"),
        (lambda: balanced_hash(np.array([-1.0]), 2), ValueError, "at least 0"),
        (lambda: balanced_hash(np.ones(3), 0), ValueError, "at least one expert"),
        (lambda: balanced_hash(np.ones((3, 2)), 2), ValueError, r"not \(3, 2\)"),
        (lambda: hash_experts(np.array([5]), np.zeros(5, int)), ValueError, "id 5 is outside"),
        (lambda: hash_experts(np.array([0.5]), np.zeros(5, int)), TypeError, "integers"),
    ],
)
def test_bad_input_is_named(call, error, said):
    with pytest.raises(error, match=said):
        call()
