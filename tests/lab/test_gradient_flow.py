"""Gradients through chains: the linear one is known exactly, and the checks notice what is taken away."""

import numpy as np
import pytest

from tfx.lab import frame, gradient_flow
from tfx.lab.gradient_flow import through_blocks, through_layers
from tfx.models import Encoder


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("shared", [False, True])
def test_a_linear_chain_changes_a_gradient_by_its_gain_to_the_power_of_its_depth(gain, shared):
    norms = through_layers(20, gain, activation=None, shared=shared)
    np.testing.assert_allclose(norms, gain ** np.arange(20, -1, -1.0))


def test_gradients_vanish_through_tanh_and_not_past_a_residual_connection():
    assert through_layers(40, 0.9)[0] < 0.01
    assert through_layers(40, 0.3, residual=True)[0] > 0.5
    assert through_layers(40, 3.0, activation=None)[0] > 1e18, "explodes"


def test_gradients_pass_a_deep_pre_norm_stack():
    model = Encoder(7, 16, 2, 32, 12)
    norms = through_blocks(model, np.random.default_rng(0).integers(7, size=(2, 5)))
    assert len(norms) == 13 and 0.3 < norms[0] < 30


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold_and_only_what_is_taken_away_is_missed(seed):
    found = frame.run(gradient_flow, gradient_flow.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks
    without = frame.run(gradient_flow, gradient_flow.Settings(residual=False), seed, quick=True)
    assert [check.id for check in without.checks if not check.holds] == ["residual-keeps"]


def test_the_law_fails_for_layers_that_are_not_linear():
    found = frame.run(gradient_flow, gradient_flow.Settings(), 0, quick=True)
    bent = [{**row, "log_norm": row["log_norm"] - 0.01} for row in found.rows]
    run = frame.Run(gradient_flow.Settings(), rows=bent)
    assert "law" in [check.id for check in gradient_flow.checks(run) if not check.holds]


def test_no_gradient_underflows_at_the_ends_of_the_ranges():
    for gain in (0.05, 20.0):
        for residual in (False, True):
            assert 0 < through_layers(100, gain, residual=residual)[0] < np.inf
            assert 0 < through_layers(100, gain, residual=residual, activation=None)[0] < np.inf
