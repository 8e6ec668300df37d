"""RMS normalisation: LayerNorm without the mean."""

import math

import numpy as np
import pytest

from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward

RNG = np.random.default_rng(0)
X, GAMMA, DY = RNG.standard_normal((2, 5, 8)), RNG.standard_normal(8), RNG.standard_normal((2, 5, 8))


def test_it_is_its_formula():
    y, _ = rms_norm_forward(X, GAMMA, eps=0.1)
    for row, out in zip(X.reshape(-1, 8), y.reshape(-1, 8), strict=True):
        rms = math.sqrt(sum(value * value for value in row) / 8 + 0.1)
        np.testing.assert_allclose(out, row / rms * GAMMA, rtol=1e-14)


def test_on_centred_tokens_it_is_layer_norm_forward():
    x = X - X.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(rms_norm_forward(x, GAMMA)[0], layer_norm_forward(x, GAMMA)[0], rtol=1e-13)


def test_layer_norm_is_rms_norm_of_the_centred_token_both_ways():
    _, rms = rms_norm_forward(X - X.mean(axis=-1, keepdims=True), GAMMA)
    dcentred, dgamma = rms_norm_backward(DY, rms)
    dx = dcentred - dcentred.mean(axis=-1, keepdims=True)
    want = layer_norm_backward(DY, layer_norm_forward(X, GAMMA)[1])
    np.testing.assert_allclose(dx, want[0], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(dgamma, want[1], rtol=1e-12)


def test_scaling_a_token_changes_nothing_without_eps_but_shifting_it_does():
    y, cache = rms_norm_forward(X, GAMMA, eps=0.0)
    np.testing.assert_allclose(rms_norm_forward(7 * X, GAMMA, eps=0.0)[0], y, rtol=1e-13)
    assert not np.allclose(rms_norm_forward(X + 7, GAMMA, eps=0.0)[0], y)
    np.testing.assert_allclose((rms_norm_backward(DY, cache)[0] * X).sum(axis=-1), 0, atol=1e-13)


def test_a_token_of_zeros_stays_zero_with_a_finite_gradient():
    y, cache = rms_norm_forward(np.zeros((1, 8)), GAMMA)
    assert not y.any() and np.isfinite(rms_norm_backward(np.ones((1, 8)), cache)[0]).all()


def test_nan_spoils_its_own_token_only():
    x = X.copy()
    x[1, 2, 3] = math.nan
    y, _ = rms_norm_forward(x, GAMMA)
    assert np.isnan(y[1, 2]).all() and np.isnan(y).sum() == 8


def test_length_zero_works_both_ways():
    y, cache = rms_norm_forward(np.zeros((2, 0, 8)), GAMMA)
    dx, dgamma = rms_norm_backward(y, cache)
    assert dx.shape == (2, 0, 8) and not dgamma.any()


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"x has width 8 but gamma is \(7,\)"):
        rms_norm_forward(X, np.ones(7))


def test_without_eps_a_row_of_zeros_gives_zeros_too():
    x = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 6.0]])
    y, cache = rms_norm_forward(x, None, eps=0.0)
    assert y[0].tolist() == [0, 0, 0] and np.isfinite(y).all()
    assert np.isfinite(rms_norm_backward(np.ones_like(x), cache)[0]).all()
