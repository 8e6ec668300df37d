"""Masks for methods that make no scores: a key takes part for all queries, or for none."""

import numpy as np
import pytest

from tfx.efficient.key_mask import blocked_to_zero, key_mask
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask, window_mask


def test_no_mask_means_all_keys():
    assert key_mask(None, 3, 3) is None
    x = np.ones((3, 2))
    assert blocked_to_zero(x, None) is x


def test_a_padding_mask_names_its_keys():
    assert np.array_equal(key_mask(padding_mask([3, 1], 3), 3, 3)[:, 0], [[1, 1, 1], [1, 0, 0]])
    assert np.array_equal(key_mask(np.array([True, False, True]), 4, 3), [True, False, True])


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 3)])
def test_one_row_stands_for_all_queries(shape):
    keys = np.array([True, False, True])
    assert np.array_equal(key_mask(np.broadcast_to(keys, shape), 4, 3), keys)
    assert np.array_equal(key_mask(np.array(False), 4, 3), [False])


def test_the_mask_of_a_language_model_is_understood_when_the_method_is_causal():
    mask = combine_masks(causal_mask(4), padding_mask([4, 2], 4))
    assert np.array_equal(key_mask(mask, 4, 4, causal=True)[:, 0], [[1, 1, 1, 1], [1, 1, 0, 0]])
    assert key_mask(causal_mask(2, past=3), 2, 5, causal=True).all()


@pytest.mark.parametrize(("mask", "causal"), [(causal_mask(4), False), (window_mask(4, left=1), True)])
def test_a_mask_of_single_scores_is_refused(mask, causal):
    with pytest.raises(ValueError, match="the mask must block each key for all queries or none"):
        key_mask(mask, 4, 4, causal)


def test_what_a_blocked_key_holds_makes_no_difference():
    x = np.array([[1.0], [np.nan], [np.inf]])
    assert np.array_equal(blocked_to_zero(x, np.array([True, False, False])), [[1], [0], [0]])
