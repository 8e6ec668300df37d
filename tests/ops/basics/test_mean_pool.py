"""Mean pooling along a sequence, and repeating places."""

import numpy as np
import pytest

from tfx.ops.basics.mean_pool import (
    mean_pool_backward,
    mean_pool_forward,
    pooled_keep,
    repeat_places_backward,
    repeat_places_forward,
)

X = np.random.default_rng(0).standard_normal((2, 7, 3))


@pytest.mark.parametrize("stride", [1, 2, 3, 7, 9])
def test_each_result_is_the_mean_of_its_window(stride):
    y, _ = mean_pool_forward(X, stride)
    want = np.stack([X[:, start : start + stride].mean(axis=1) for start in range(0, 7, stride)], axis=1)
    np.testing.assert_allclose(y, want, atol=1e-15)


def test_two_neighbours_become_one_unless_told_otherwise():
    assert mean_pool_forward(np.array([[1.0], [2.0], [5.0], [7.0], [9.0]]))[0].tolist() == [[1.5], [6.0], [9.0]]


def test_a_stride_of_one_changes_nothing():
    assert np.array_equal(mean_pool_forward(X, 1)[0], X)


def test_the_whole_gradient_arrives():
    _, cache = mean_pool_forward(X, 3)
    dy = np.random.default_rng(1).standard_normal((2, 3, 3))
    np.testing.assert_allclose(mean_pool_backward(dy, cache).sum(axis=1), dy.sum(axis=1), atol=1e-14)


def test_pooling_undoes_repeating():
    y, _ = repeat_places_forward(X, 3, 20)
    assert y.shape == (2, 20, 3)
    np.testing.assert_allclose(mean_pool_forward(y, 3)[0], X, atol=1e-15)


def test_repeating_is_the_transpose_of_a_sum():
    y, cache = repeat_places_forward(X, 2, 13)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    assert (y * dy).sum() == pytest.approx((X * repeat_places_backward(dy, cache)).sum(), abs=1e-12)


def test_no_places_are_pooled_to_no_places():
    y, cache = mean_pool_forward(X[:, :0], 2)
    assert y.shape == (2, 0, 3) and mean_pool_backward(y, cache).shape == (2, 0, 3)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="a stride must be at least 1, not 0"):
        mean_pool_forward(X, 0)
    with pytest.raises(ValueError, match="a stride must be at least 1, not 0"):
        repeat_places_forward(X, 0, 7)
    with pytest.raises(ValueError, match="7 places, 2 times each, do not give a length of 12"):
        repeat_places_forward(X, 2, 12)


def test_a_mean_is_over_the_real_places_of_its_window():
    keep = np.array([True, True, True, False, False])
    y, cache = mean_pool_forward(np.array([[1.0], [2.0], [5.0], [np.nan], [np.inf]]), 2, keep)
    assert y.tolist() == [[1.5], [5.0], [0.0]]
    assert mean_pool_backward(np.ones((3, 1)), cache).tolist() == [[0.5], [0.5], [1.0], [0.0], [0.0]]
    assert pooled_keep(keep, 2).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("keep", "error", "words"),
    [
        (np.ones(5), TypeError, "keep must be boolean, not float64"),
        (np.ones(4, dtype=bool), ValueError, r"keep is \(4,\) but the places are \(5,\)"),
    ],
)
def test_a_keep_that_does_not_fit_is_refused(keep, error, words):
    with pytest.raises(error, match=words):
        mean_pool_forward(np.zeros((5, 2)), 2, keep)
