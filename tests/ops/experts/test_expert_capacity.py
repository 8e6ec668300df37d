"""Who finds a place and who is dropped."""

import numpy as np
import pytest

from tfx.ops.experts.expert_capacity import expert_capacity, expert_counts, within_capacity

ALL_WANT_0 = np.zeros((5, 1), int)


@pytest.mark.parametrize(
    ("tokens", "n", "k", "factor", "places"),
    [
        (12, 4, 1, 1.0, 3),
        (12, 4, 2, 1.0, 6),
        (12, 4, 1, 1.25, 4),
        (13, 4, 1, 1.0, 4),
        (0, 4, 1, 1.0, 1),
        (3, 8, 1, 0.1, 1),
    ],
)
def test_capacity_is_a_share_rounded_up(tokens, n, k, factor, places):
    assert expert_capacity(tokens, n, k, factor) == places


def test_one_choice_and_even_shares_unless_told():
    assert expert_capacity(12, 4) == 3 and expert_capacity(5, 1) == 5


def test_without_importance_the_first_tokens_of_the_batch_are_served():
    assert within_capacity(ALL_WANT_0, 3, 2)[:, 0].tolist() == [True, True, False, False, False]


def test_with_importance_the_most_important_are():
    keep = within_capacity(ALL_WANT_0, 3, 2, np.array([0.1, 0.9, 0.3, 0.2, 0.5]))
    assert keep[:, 0].tolist() == [False, True, False, False, True]


def test_every_first_choice_stands_in_front_of_every_second_choice():
    experts = np.array([[1, 0], [0, 1], [0, 1]])
    assert within_capacity(experts, 2, 2).tolist() == [[True, False], [True, True], [True, False]]


def by_hand(experts, n_experts, capacity, importance):
    left, keep = [capacity] * n_experts, np.zeros(experts.shape, bool)
    line = sorted(range(len(experts)), key=lambda n: -importance[n])
    for j in range(experts.shape[1]):
        for n in line:
            if left[experts[n, j]]:
                left[experts[n, j]] -= 1
                keep[n, j] = True
    return keep


@pytest.mark.parametrize("seed", range(5))
def test_the_sorted_queues_are_the_queues_of_the_loop(seed):
    rng = np.random.default_rng(seed)
    experts = np.argsort(rng.random((23, 5)), axis=1)[:, :3]
    importance, capacity = rng.random(23), int(rng.integers(1, 15))
    keep = within_capacity(experts, 5, capacity, importance)
    np.testing.assert_array_equal(keep, by_hand(experts, 5, capacity, importance))
    counts = expert_counts(experts, 5, keep)
    assert counts.tolist() == np.minimum(expert_counts(experts, 5), capacity).tolist()


def test_enough_places_drop_nobody_and_no_token_needs_none():
    assert within_capacity(ALL_WANT_0, 3, 5).all()
    assert within_capacity(np.zeros((0, 2), int), 3, 1).shape == (0, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: expert_capacity(5, 0), "there are 0"),
        (lambda: expert_capacity(5, 2, factor=0.0), "factor of 0.0 is no number of places"),
        (lambda: expert_capacity(5, 2, factor=float("nan")), "factor of nan"),
        (lambda: within_capacity(ALL_WANT_0, 3, 0), "capacity 0"),
        (lambda: within_capacity(ALL_WANT_0, 3, 1, np.ones(4)), r"importance is \(4,\) but there are 5 tokens"),
    ],
)
def test_capacities_that_cannot_be_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
