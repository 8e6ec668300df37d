"""Masks: True means may attend, and other conventions are translated."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.attention.masks import (
    causal_mask,
    combine_masks,
    from_additive,
    from_blocked,
    left_padding_mask,
    padding_mask,
    tokens_kept,
    window_mask,
)

lengths = st.integers(0, 7)


@settings(max_examples=40, deadline=None)
@given(lengths, lengths, lengths)
def test_causal_lets_query_i_see_key_j_up_to_its_own_place(n_queries, n_keys, past):
    mask = causal_mask(n_queries, n_keys, past)
    assert mask.dtype == bool
    assert mask.tolist() == [[j <= past + i for j in range(n_keys)] for i in range(n_queries)]


@settings(max_examples=40, deadline=None)
@given(lengths, lengths, st.none() | st.integers(0, 3), st.none() | st.integers(0, 3), lengths)
def test_a_window_is_a_band_around_the_diagonal(n_queries, n_keys, left, right, past):
    def inside(i, j):
        ahead = j - past - i
        return (left is None or ahead >= -left) and (right is None or ahead <= right)

    mask = window_mask(n_queries, n_keys, left, right, past)
    assert mask.tolist() == [[inside(i, j) for j in range(n_keys)] for i in range(n_queries)]


def test_causal_is_square_unless_there_is_a_past():
    assert causal_mask(3).shape == (3, 3)
    assert causal_mask(1, past=4).tolist() == [[True] * 5], "one new token sees all stored keys and itself"


def test_the_rows_of_a_causal_mask_after_a_past_are_the_last_rows_of_the_whole():
    assert np.array_equal(causal_mask(2, past=3), causal_mask(5)[3:])


def test_padding_blocks_what_lies_beyond_each_length():
    mask = padding_mask([3, 0, 2], 3)
    assert mask.shape == (3, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[True] * 3, [False] * 3, [True, True, False]]
    assert np.array_equal(padding_mask(np.array([3, 0, 2]), 3), mask)


def test_masks_combine_with_and():
    both = combine_masks(causal_mask(3), None, padding_mask([3, 2], 3))
    assert both.shape == (2, 1, 3, 3)
    assert np.array_equal(both[1, 0], causal_mask(3) & np.array([True, True, False]))
    assert combine_masks(None, None) is None
    assert combine_masks() is None


def test_the_opposite_convention_is_turned_round():
    assert from_blocked(np.array([True, False])).tolist() == [False, True]


def test_an_additive_bias_becomes_a_mask():
    assert from_additive(np.array([0.0, -math.inf, -1e9, -1e4])).tolist() == [True, False, False, False]
    assert from_additive(np.array([0.0, np.finfo("f4").min], "f4")).tolist() == [True, False]


def test_a_bias_that_shapes_the_weights_is_no_mask():
    with pytest.raises(ValueError, match=r"a bias of -0\.5 is no mask"):
        from_additive(np.array([0.0, -0.5]))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: causal_mask(-1), ValueError, "n_queries must not be negative, but is -1"),
        (lambda: window_mask(3, left=-2), ValueError, "left must not be negative"),
        (lambda: padding_mask([4], 3), ValueError, "a row of length 4 does not fit 3 keys"),
        (lambda: padding_mask([-1], 3), ValueError, "a row of length -1 does not fit 3 keys"),
        (lambda: combine_masks(np.ones((2, 2))), TypeError, "mask must be boolean"),
        (lambda: from_blocked(np.ones(2)), TypeError, "mask must be boolean"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_window_is_one_key_wide_unless_told():
    assert np.array_equal(window_mask(4), np.eye(4, dtype=bool))


def test_the_tokens_kept_are_those_that_padding_does_not_block():
    right, left = padding_mask([3, 0, 2], 3), left_padding_mask(np.array([0, 3, 1]), 3)
    assert tokens_kept(right).tolist() == [[True] * 3, [False] * 3, [True, True, False]]
    assert tokens_kept(left).tolist() == [[True] * 3, [False] * 3, [False, True, True]]
    assert tokens_kept(right, 1).tolist() == [[True], [False], [False]], "of the last token alone"
    assert tokens_kept(right, 0).shape == (3, 0) and tokens_kept(None) is None
