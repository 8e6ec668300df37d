"""Which weights stay."""

import numpy as np
import pytest

from tfx.ops.small_numbers.pruning_masks import magnitude_mask, n_of_m_mask, unit_mask

W = np.random.default_rng(0).standard_normal((8, 6))


@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.5, 1.0])
def test_magnitude_keeps_the_largest(sparsity):
    keep = magnitude_mask(W, sparsity)
    assert (~keep).sum() == round(48 * sparsity)
    if 0 < sparsity < 1:
        assert np.abs(W[keep]).min() > np.abs(W[~keep]).max()


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 2), (3, 8), (4, 4), (0, 4), (1, 1), (0, 1)])
def test_n_of_m_keeps_the_n_largest_of_each_m_neighbours(n, m):
    keep = n_of_m_mask(W, n, m).reshape(8 // m, m, 6)
    assert (keep.sum(1) == n).all()
    blocks = np.abs(W).reshape(8 // m, m, 6)
    kept = np.where(keep, blocks, np.inf).min(1)
    assert (kept >= np.where(keep, 0, blocks).max(1)).all()


def test_units_go_by_their_length_whole():
    w = W.copy()
    w[:, [1, 4]] *= 0.01
    assert unit_mask(w, 1 / 3).tolist() == [True, False, True, True, False, True]


def test_the_length_of_a_unit_is_the_sum_of_squares():
    """Sums 0, 8 and 5, sums of sizes 6, 8 and 5, but squares 18, 16 and 25."""
    w = np.array([[3.0, 2, 0], [-3, 2, 0], [0, 2, 0], [0, 2, 5]])
    assert unit_mask(w, 1 / 3).tolist() == [True, False, True]


def test_of_equal_weights_the_first_stay():
    assert magnitude_mask(np.ones((2, 2)), 0.5).tolist() == [[True, True], [False, False]]
    assert n_of_m_mask(np.ones((4, 1)))[:, 0].tolist() == [True, True, False, False]


def test_structure_costs_precision():
    """At half of the weights: free choice keeps most of the length, 2 of 4 less, whole units least."""
    kept = [np.square(W * mask).sum() for mask in (magnitude_mask(W, 0.5), n_of_m_mask(W), unit_mask(W, 0.5))]
    assert kept[0] > kept[1] > kept[2]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: magnitude_mask(W, 1.5), "not 1.5"),
        (lambda: unit_mask(W, -0.1), "not -0.1"),
        (lambda: n_of_m_mask(W, 3, 2), "3 of 2"),
        (lambda: n_of_m_mask(W, 0, 0), "0 of 0"),
        (lambda: n_of_m_mask(W, 1, 3), "8 rows cannot be cut into groups of 3"),
    ],
)
def test_impossible_patterns_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
