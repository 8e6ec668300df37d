"""Choosing by a mask: values and gradients go the same way."""

import math

import numpy as np
import pytest

from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.basics.where import where_backward, where_forward

RNG = np.random.default_rng(0)
MASK = RNG.random((5, 7)) < 0.5
X, OTHER, DY = RNG.standard_normal((3, 5, 7))


def test_every_place_is_one_of_the_two_and_so_is_its_gradient():
    y, cache = where_forward(MASK, X, OTHER)
    dx, dother = where_backward(DY, cache)
    assert np.array_equal(y[MASK], X[MASK]) and np.array_equal(y[~MASK], OTHER[~MASK])
    assert np.array_equal(dx + dother, DY) and not dx[~MASK].any() and not dother[MASK].any()


def test_a_number_that_fills_many_places_gets_the_sum_of_their_gradients():
    _, cache = where_forward(MASK, X, np.array(-1.0))
    assert where_backward(DY, cache)[1] == pytest.approx(DY[~MASK].sum(), rel=1e-14)


def test_filling_blocked_scores_with_minus_infinity_is_what_attention_does():
    kept = MASK | np.eye(5, 7, dtype=bool)
    scores, cache = where_forward(kept, X, np.array(-math.inf))
    weights, softmax_cache = softmax_forward(scores)
    dx, _ = where_backward(softmax_backward(DY, softmax_cache), cache)
    assert not weights[~kept].any() and not dx[~kept].any()


def test_what_is_not_chosen_may_be_nan():
    y, cache = where_forward(MASK, np.where(MASK, X, np.nan), OTHER)
    assert np.isfinite(y).all() and np.isfinite(where_backward(DY, cache)[0]).all()


def test_a_mask_of_numbers_is_refused():
    with pytest.raises(TypeError, match="mask must be boolean"):
        where_forward(MASK.astype(int), X, OTHER)
