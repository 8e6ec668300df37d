"""ScaleNorm: directions are kept, lengths are learned."""

import math

import numpy as np
import pytest

from tfx.ops.norms.rms_norm import rms_norm_forward
from tfx.ops.norms.scale_norm import scale_norm_backward, scale_norm_forward

RNG = np.random.default_rng(0)
X, G = RNG.standard_normal((2, 5, 8)), np.array(2.5)


def test_every_token_gets_length_g_and_keeps_its_direction():
    y, _ = scale_norm_forward(X, G, eps=0.0)
    np.testing.assert_allclose((y * y).sum(axis=-1), 2.5**2, rtol=1e-13)
    np.testing.assert_allclose((y * X).sum(axis=-1) / np.sqrt((X * X).sum(axis=-1)), 2.5, rtol=1e-13)


def test_with_g_the_root_of_the_width_it_is_rms_norm_without_a_gain():
    y, _ = scale_norm_forward(X, np.array(math.sqrt(8)), eps=0.8)
    np.testing.assert_allclose(y, rms_norm_forward(X, eps=0.1)[0], rtol=1e-13)


def test_the_gradient_has_no_part_along_the_token_because_longer_makes_no_difference():
    y, cache = scale_norm_forward(X, G, eps=0.0)
    dx, _ = scale_norm_backward(RNG.standard_normal(y.shape), cache)
    np.testing.assert_allclose((dx * X).sum(axis=-1), 0, atol=1e-13)


def test_a_token_of_zeros_stays_zero_with_a_finite_gradient():
    y, cache = scale_norm_forward(np.zeros((1, 8)), G)
    assert not y.any() and np.isfinite(scale_norm_backward(np.ones((1, 8)), cache)[0]).all()


def test_length_zero_works_both_ways():
    y, cache = scale_norm_forward(np.zeros((2, 0, 8)), G)
    dx, dg = scale_norm_backward(y, cache)
    assert dx.shape == (2, 0, 8) and dg == 0


@pytest.mark.parametrize(("x", "g"), [(X, np.ones(8)), (np.zeros((3, 0)), G)])
def test_what_does_not_fit_is_named(x, g):
    with pytest.raises(ValueError, match="g has to be one number"):
        scale_norm_forward(x, g)
