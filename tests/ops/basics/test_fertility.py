"""Copies by fertility: which token goes where, and where the gradient comes back to."""

import numpy as np
import pytest

from tests.strict_device import upload
from tfx.ops.basics.fertility import copy_sources_backward, copy_sources_forward, fertility_sources, uniform_sources

RNG = np.random.default_rng(0)


def test_each_token_is_copied_as_often_as_its_fertility_says():
    assert fertility_sources(np.array([[1, 0, 3]]), 4).tolist() == [[0, 2, 2, 2]]


def test_places_after_the_sum_are_filling():
    assert fertility_sources(np.array([[0, 2], [0, 0]]), 3).tolist() == [[1, 1, -1], [-1, -1, -1]]


def test_it_is_repeat_row_by_row():
    fertilities = RNG.integers(4, size=(50, 9))
    sources = fertility_sources(fertilities, 30)
    for row, found in zip(fertilities, sources, strict=True):
        want = np.repeat(np.arange(9), row)
        np.testing.assert_array_equal(found, [*want, *[-1] * (30 - len(want))])


def test_even_copies_are_the_rounded_ratio_of_the_lengths():
    """Round(S t / T) with S = 3, T = 5 and t = 1 .. 5 is 1, 1, 2, 2, 3 (1.2 and 2.4 down, 0.6 and 1.8 up)."""
    assert uniform_sources(np.array([3]), np.array([5]), 6).tolist() == [[0, 0, 1, 1, 2, -1]]


def test_even_copies_of_equal_lengths_change_nothing_and_shorter_ones_skip():
    lengths = np.array([4, 4])
    assert uniform_sources(lengths, np.array([4, 2]), 4).tolist() == [[0, 1, 2, 3], [1, 3, -1, -1]]


def test_a_target_without_places_copies_nothing_beside_one_that_has_some():
    assert uniform_sources(np.array([2, 3]), np.array([0, 3]), 3).tolist() == [[-1, -1, -1], [0, 1, 2]]


@pytest.mark.parametrize("s", [1, 2, 5, 9])
@pytest.mark.parametrize("t", [1, 3, 8, 20])
def test_even_copies_stay_inside_and_in_order(s, t):
    sources = uniform_sources(np.array([s]), np.array([t]), t)[0]
    assert sources.min() >= 0 and sources.max() == s - 1 and (np.diff(sources) >= 0).all()


def test_a_copy_is_the_token_itself_and_filling_is_zero():
    x = RNG.standard_normal((2, 3, 4))
    y, _ = copy_sources_forward(x, np.array([[2, 0, 2], [1, -1, -1]]))
    np.testing.assert_array_equal(y[0], x[0, [2, 0, 2]])
    np.testing.assert_array_equal(y[1, 0], x[1, 1])
    assert not y[1, 1:].any()


def test_the_backward_is_the_transpose_of_the_forward():
    x, sources = RNG.standard_normal((2, 3, 4)), np.array([[2, 0, 2, -1, 2], [1, 1, -1, -1, 0]])
    y, cache = copy_sources_forward(x, sources)
    dy = RNG.standard_normal(y.shape)
    assert (dy * y).sum() == pytest.approx((copy_sources_backward(dy, cache) * x).sum(), rel=1e-14)


def test_a_token_of_fertility_zero_gets_no_gradient_and_one_of_three_gets_three():
    x = RNG.standard_normal((1, 3, 4))
    y, cache = copy_sources_forward(x, fertility_sources(np.array([[1, 0, 3]]), 4))
    dx = copy_sources_backward(np.ones_like(y), cache)
    np.testing.assert_array_equal(dx[0], np.array([1.0, 0.0, 3.0])[:, None] * np.ones(4))


@pytest.mark.parametrize(("s", "t"), [(0, 0), (3, 0), (0, 2)])
def test_empty_sources_and_empty_targets_work_both_ways(s, t):
    x = np.zeros((2, s, 4))
    y, cache = copy_sources_forward(x, fertility_sources(np.zeros((2, s), dtype=int), t))
    assert y.shape == (2, t, 4) and not y.any()
    assert copy_sources_backward(y, cache).shape == x.shape


def test_filling_is_no_token_where_the_source_has_only_one():
    x = RNG.standard_normal((2, 1, 4))
    y, _ = copy_sources_forward(x, np.array([[0, -1], [-1, -1]]))
    np.testing.assert_array_equal(y[0, 0], x[0, 0])
    assert not y[0, 1].any() and not y[1].any()


def test_a_source_beyond_its_row_is_loud_on_a_device_and_never_the_next_row():
    y, _ = copy_sources_forward(upload(np.ones((2, 3, 4))), upload(np.array([[3, 0], [2, 7]])))
    np.testing.assert_array_equal(np.isnan(y.get()).all(axis=-1), [[True, False], [False, True]])


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="sum to 4 but there are 3 target places"):
        fertility_sources(np.array([[1, 3]]), 3)
    with pytest.raises(ValueError, match="one is -1"):
        fertility_sources(np.array([[1, -1]]), 3)
    with pytest.raises(ValueError, match="source place 3 is outside"):
        copy_sources_forward(np.zeros((2, 3, 4)), np.array([[3], [0]]))
    with pytest.raises(TypeError, match="source places must be integers"):
        copy_sources_forward(np.zeros((2, 3, 4)), np.array([[1.0], [0.0]]))
