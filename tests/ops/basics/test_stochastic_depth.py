"""Stochastic depth: what is left out, for whom, how often, and what that does to the mean and to the gradient."""

import math

import numpy as np
import pytest

from tfx.ops.basics.stochastic_depth import (
    branch_multiplier,
    layers_left_after_pruning,
    linear_decay_rates,
    stochastic_depth_backward,
    stochastic_depth_forward,
)

N = 40_000


def draws(rate: float, rescaled: bool) -> np.ndarray:
    return branch_multiplier((N, 1, 1), rate, np.random.default_rng(0), rescaled)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_the_share_left_out_is_the_rate(rate):
    left_out = (draws(rate, True) == 0).mean()
    assert abs(left_out - rate) < 4 * math.sqrt(rate * (1 - rate) / N)


@pytest.mark.parametrize(("rescaled", "mean"), [(True, 1.0), (False, 0.7)])
def test_the_mean_of_the_multiplier_is_one_rescaled_and_the_survival_probability_as_published(rescaled, mean):
    assert draws(0.3, rescaled).mean() == pytest.approx(mean, abs=0.015)


def test_survivors_are_untouched_as_published_and_grow_when_rescaled():
    assert set(np.unique(draws(0.2, False))) == {0.0, 1.0}
    assert set(np.unique(draws(0.2, True))) == {0.0, 1.25}


@pytest.mark.parametrize("rescaled", [True, False])
def test_at_rate_zero_every_branch_stays_as_it_is(rescaled):
    np.testing.assert_array_equal(draws(0.0, rescaled), 1.0)


def test_both_forms_leave_out_the_same_samples_for_the_same_seed():
    np.testing.assert_array_equal(draws(0.3, True) > 0, draws(0.3, False) > 0)


def test_a_sample_keeps_its_whole_branch_or_loses_it_whole():
    rng = np.random.default_rng(1)
    x, branch = rng.standard_normal((9, 4, 3)), rng.standard_normal((9, 4, 3))
    multiplier = branch_multiplier((9, 1, 1), 0.5, rng, rescaled=False)
    y, _ = stochastic_depth_forward(x, branch, multiplier)
    kept = multiplier[:, 0, 0] == 1
    assert 0 < kept.sum() < 9
    np.testing.assert_array_equal(y[kept], (x + branch)[kept])
    np.testing.assert_array_equal(y[~kept], x[~kept])


def test_a_sample_without_its_branch_passes_its_gradient_on_undimmed():
    dy = np.random.default_rng(2).standard_normal((2, 3, 4))
    _, cache = stochastic_depth_forward(dy, dy, np.array([0.0, 2.0]).reshape(2, 1, 1))
    dx, dbranch = stochastic_depth_backward(dy, cache)
    np.testing.assert_array_equal(dx, dy)
    assert not dbranch[0].any()
    np.testing.assert_array_equal(dbranch[1], 2 * dy[1])


def test_no_multiplier_is_the_plain_residual():
    x = np.random.default_rng(3).standard_normal((2, 3, 4))
    y, cache = stochastic_depth_forward(x, 2 * x, None)
    np.testing.assert_array_equal(y, x + 2 * x)
    assert all(gradient is x for gradient in stochastic_depth_backward(x, cache))


def test_the_rate_grows_linearly_to_its_last_value():
    np.testing.assert_allclose(linear_decay_rates(4, 0.5), [0.125, 0.25, 0.375, 0.5], rtol=1e-15)
    assert linear_decay_rates(0, 0.5) == () and linear_decay_rates(3, 0.0) == (0.0, 0.0, 0.0)


def test_the_expected_depth_of_a_deep_network_is_about_three_quarters_as_the_paper_says():
    """Section 3: with a last survival probability of 0.5, 54 blocks keep (3 L - 1) / 4 = 40 on average."""
    expected = sum(1 - rate for rate in linear_decay_rates(54, 0.5))
    assert expected == pytest.approx((3 * 54 - 1) / 4)


@pytest.mark.parametrize(
    ("n_layers", "rate", "kept"),
    [(6, 0.5, (1, 3, 5)), (6, 0.34, (1, 3, 5)), (6, 1 / 3, (1, 2, 4, 5)), (5, 0.2, (1, 2, 3, 4)), (3, 0.0, (0, 1, 2))],
)
def test_pruning_takes_every_nth_layer(n_layers, rate, kept):
    assert layers_left_after_pruning(n_layers, rate) == kept


def test_length_zero_works_both_ways():
    x = np.zeros((2, 0, 3))
    y, cache = stochastic_depth_forward(x, x, np.ones((2, 1, 1)))
    assert y.shape == x.shape and all(grad.shape == x.shape for grad in stochastic_depth_backward(y, cache))


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"residual is \(2, 3\) but its branch is \(2, 4\)"):
        stochastic_depth_forward(np.ones((2, 3)), np.ones((2, 4)), None)
    with pytest.raises(ValueError, match="not 1"):
        branch_multiplier((2, 1, 1), 1.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no decay over 3 layers"):
        linear_decay_rates(3, 1.0)
    with pytest.raises(ValueError, match=r"from 0 to 1/2, not 0\.8"):
        layers_left_after_pruning(4, 0.8)
