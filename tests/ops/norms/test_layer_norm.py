"""Layer normalisation: what it removes, what it keeps, and where its gradient cannot go."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.standard_normal((2, 5, 8)), RNG.standard_normal(8), RNG.standard_normal(8)
ONE, ZERO = np.ones(8), np.zeros(8)


def test_every_token_has_mean_zero_and_variance_one():
    y, _ = layer_norm_forward(X, ONE, ZERO, eps=0.0)
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-15)
    np.testing.assert_allclose(y.var(axis=-1), 1, rtol=1e-13)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 100), st.floats(-100, 100))
def test_scaling_and_shifting_a_token_changes_nothing_without_eps(scale, shift):
    y, _ = layer_norm_forward(X, GAMMA, BETA, eps=0.0)
    moved, _ = layer_norm_forward(scale * X + shift, GAMMA, BETA, eps=0.0)
    np.testing.assert_allclose(moved, y, rtol=1e-8, atol=1e-9)


def test_so_the_gradient_has_no_part_along_a_shift_or_a_scaling():
    y, cache = layer_norm_forward(X, GAMMA, BETA, eps=0.0)
    dx, _, _ = layer_norm_backward(RNG.standard_normal(y.shape), cache)
    np.testing.assert_allclose(dx.sum(axis=-1), 0, atol=1e-13)
    np.testing.assert_allclose((dx * X).sum(axis=-1), 0, atol=1e-13)


def test_tokens_do_not_see_each_other():
    y, _ = layer_norm_forward(X, GAMMA, BETA)
    x2 = X.copy()
    x2[0, 3] += 10.0 * RNG.standard_normal(8)
    changed = layer_norm_forward(x2, GAMMA, BETA)[0] != y
    assert changed[0, 3].any() and changed.sum() == changed[0, 3].sum()


def test_a_constant_token_gives_beta():
    y, cache = layer_norm_forward(np.full((1, 8), 3.0), GAMMA, BETA)
    np.testing.assert_allclose(y[0], BETA, atol=1e-12)
    assert np.isfinite(layer_norm_backward(np.ones((1, 8)), cache)[0]).all()


def test_eps_stands_under_the_root():
    y, _ = layer_norm_forward(np.array([[1.0, -1.0]]), np.ones(2), np.zeros(2), eps=3.0)
    np.testing.assert_allclose(y, [[0.5, -0.5]], rtol=1e-15)


def test_numbers_of_1e30_are_normalised_in_float64():
    y, _ = layer_norm_forward(np.array([[1e30, -1e30]]), np.ones(2), np.zeros(2))
    np.testing.assert_allclose(y, [[1, -1]], rtol=1e-14)


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_nan_and_infinity_spoil_their_own_token_only(bad):
    x = X.copy()
    x[1, 2, 3] = bad
    with np.errstate(invalid="ignore"):
        y, _ = layer_norm_forward(x, GAMMA, BETA)
    assert np.isnan(y[1, 2]).all() and np.isnan(y).sum() == 8


def test_length_zero_works_both_ways():
    y, cache = layer_norm_forward(np.zeros((2, 0, 8)), GAMMA, BETA)
    dx, dgamma, dbeta = layer_norm_backward(y, cache)
    assert dx.shape == (2, 0, 8) and not dgamma.any() and not dbeta.any()


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"x has width 8 but gamma is \(7,\)"):
        layer_norm_forward(X, np.ones(7), ZERO)


def test_an_offset_without_a_gain_leaves_the_normalised_rows_alone():
    y, cache = layer_norm_forward(X, None, BETA)
    np.testing.assert_allclose(y - BETA, layer_norm_forward(X)[0], atol=1e-14)
    np.testing.assert_allclose(cache.xhat, layer_norm_forward(X)[0], atol=1e-14)


def test_without_eps_a_constant_row_gives_beta_too():
    x = np.array([[3.0, 3.0, 3.0], [1.0, 2.0, 6.0]])
    y, cache = layer_norm_forward(x, None, np.array([1.0, 2.0, 3.0]), eps=0.0)
    assert y[0].tolist() == [1, 2, 3] and np.isfinite(y).all()
    assert all(np.isfinite(g).all() for g in layer_norm_backward(np.ones_like(x), cache) if g is not None)
