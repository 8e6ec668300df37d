"""Scaling laws: fits find back what made the points, the optimum is one, the log rule fails beyond its range."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.scale.chinchilla import BESIROGLU, HOFFMANN, optimum, training_operations
from tfx.lab.scale.kaplan import kaplan_loss
from tfx.lab.scale.width_and_depth import block_parameters, same_size
from tfx.measure.emergence import expected_exact_match, largest_jump
from tfx.measure.power_laws import LossLaw, fit_log_rule, fit_loss_law

SIZES = np.logspace(3, 7, 9)


@pytest.mark.parametrize("law", [LossLaw(0.0, 5.0, 0.1), LossLaw(1.5, 40.0, 0.3)])
def test_a_fit_finds_back_the_law_that_made_the_points(law):
    fitted = fit_loss_law(SIZES, law.at(SIZES), floors=2000)
    np.testing.assert_allclose(fitted.at(SIZES), law.at(SIZES), rtol=2e-3)
    assert fitted.alpha == pytest.approx(law.alpha, rel=0.03)


def test_the_log_rule_fits_a_short_range_and_fails_beyond_it():
    """Points of Kaplan's law, fitted from 10^5 to 10^7 parameters and asked about 10^12."""
    n = np.logspace(5, 7, 7)
    loss = np.array([kaplan_loss(one, 1e15) for one in n])
    rule, law = fit_log_rule(n, loss), fit_loss_law(n, loss)
    assert np.abs(rule.at(n) / loss - 1).max() < 0.02, "within the range nobody would notice"
    far, true = 1e12, kaplan_loss(1e12, 1e15)
    assert abs(law.at(far) - true) < 0.1 * true
    assert abs(rule.at(far) - true) > 0.3 * true
    assert rule.at(1e16) < 0 < law.at(1e16), "no loss is negative"


def test_kaplan_with_unlimited_data_is_a_power_of_size_alone():
    assert kaplan_loss(8.8e13, 1e30) == pytest.approx(1, rel=1e-3)
    assert kaplan_loss(1e6, 1e30) / kaplan_loss(2e6, 1e30) == pytest.approx(2**0.076, rel=1e-3)
    assert kaplan_loss(1e30, 5.4e13) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("law", [HOFFMANN, BESIROGLU])
@pytest.mark.parametrize("operations", [1e18, 5.76e23])
def test_no_other_split_of_the_budget_is_better(law, operations):
    best = optimum(operations, law)
    assert training_operations(best.n_parameters, best.n_tokens) == pytest.approx(operations)
    n = best.n_parameters * np.exp(np.linspace(-1, 1, 2001))
    losses = np.array([law.loss(one, operations / (6 * one)) for one in n])
    assert losses.argmin() == 1000
    assert losses[1000] == pytest.approx(best.loss)


def test_the_budget_of_gopher_gives_about_chinchilla_and_twenty_tokens_for_each_parameter():
    best = optimum(5.76e23)
    assert 55e9 < best.n_parameters < 85e9
    assert 15 < best.tokens_per_parameter < 25
    assert optimum(5.76e23, HOFFMANN).tokens_per_parameter > 60, "the constants as printed do not"


def test_a_smooth_rise_of_one_token_is_a_jump_of_twenty():
    p = np.linspace(0.5, 1.0, 11)
    assert largest_jump(p) == pytest.approx(0.1)
    assert largest_jump(expected_exact_match(p, 20)) > 0.6


def test_exact_match_of_independent_errors_is_the_power():
    right = np.random.default_rng(0).random((40_000, 5)) < 0.8
    assert right.all(axis=1).mean() == pytest.approx(expected_exact_match(0.8, 5), abs=0.01)


def test_shapes_of_one_budget_have_nearly_as_many_parameters():
    from tfx.models import Encoder

    for n_layers in (1, 2, 4, 8):
        shape = same_size(n_layers, 100_000)
        assert 0.75 * 100_000 < n_layers * block_parameters(shape.d_model, shape.d_ff) <= 100_000
        model = Encoder(5, shape.d_model, 4, shape.d_ff, shape.n_layers)
        assert model.stack.blocks[0].n_parameters == block_parameters(shape.d_model, shape.d_ff)
    with pytest.raises(ValueError, match="too few"):
        same_size(3, 10)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="three sizes"):
        fit_loss_law(SIZES[:2], SIZES[:2])
    with pytest.raises(ValueError, match="budget"):
        optimum(0)
    with pytest.raises(ValueError, match="rise"):
        largest_jump(np.array([1.0, 0.5]))
