"""Gradients through chains: the linear one is known exactly, and the checks notice what is taken away."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.block import gradient_flow
from tfx.lab.block.gradient_flow import through_blocks, through_layers
from tfx.models import Encoder

PLACE = "tfx.lab.block.gradient_flow"


def tanh_with(backward):
    """Another derivative of tanh, made from the right one."""
    return {f"{PLACE}.ACTIVATIONS": lambda kept: {**kept, "tanh": (kept["tanh"][0], backward(kept["tanh"][1]))}}


def gaussian(width, rng):
    return rng.standard_normal((width, width)) / width**0.5


BREAKS = Table(
    gradient_flow.Settings(),
    Broken("no residual connection", {"residual-keeps"}, residual=False),
    Broken("two layers", {"vanishes", "explodes"}, depth=2),
    Broken("no small gain", {"vanishes"}, gains=(1.0, 2.0)),
    Broken("no large gain", {"explodes"}, gains=(0.5, 1.0)),
    Broken("weights that are not orthogonal", {"law"}, planted={f"{PLACE}._orthogonal": instead(gaussian)}),
    Broken("tanh' larger than 1", {"tanh-takes", "vanishes"}, tanh_with(lambda b: lambda dy, cache: 2 * b(dy, cache))),
    Broken("tanh' a little larger than 1", {"tanh-takes"}, tanh_with(lambda b: lambda dy, cache: 1.1 * dy)),
    quick=True,
)


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


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(gradient_flow)
    ways = ("tanh", "tanh, residual")
    tanh, kept = (next(r for r in found.rows if r["way"] == way and r["gain"] == 0.5) for way in ways)
    factors = [10 ** (row["log_norm"] / 40) for row in (tanh, kept)]
    lengths = [10 ** row["log_norm"] for row in (tanh, kept)]
    assert found.notes[0].text == (
        f"At gain 0.5 a layer multiplies a gradient by {factors[0]:.2f} through tanh, by {factors[1]:.2f} with a "
        f"residual connection: its length after 40 layers is {lengths[0]:.2g}, or {lengths[1]:.2g}."
    )
    assert found.question.answer == pytest.approx(40 * np.log10(0.5))
    assert found.plots[0].title == (
        f"After 40 tanh layers of gain 0.5 a gradient is 10^{tanh['log_norm']:.1f} of itself, with residual "
        f"connections 10^{kept['log_norm']:.1f}"
    )


def test_at_gain_1_nothing_changes_and_the_answer_is_0_exactly():
    asked = frame.run(gradient_flow, gradient_flow.Settings(gains=(1.0, 2.0)), 0, quick=True).question
    assert asked.answer == 0 and asked.explanation == "It is 40 log10(1)."


def test_a_residual_connection_that_was_left_out_is_not_spoken_of_as_there():
    found = frame.run(gradient_flow, gradient_flow.Settings(residual=False), 0, quick=True)
    assert found.notes[0].text.startswith(
        "At gain 0.5 a layer multiplies a gradient by 0.50 through tanh, by 0.50 again, its residual connection left "
        "out: its length after 40 layers is "
    )
    assert found.plots[0].title.startswith(
        "After 40 tanh layers of gain 0.5 a gradient is 10^-12.1 of itself, again, with"
    )
