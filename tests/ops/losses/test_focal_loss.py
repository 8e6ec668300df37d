"""Focal loss: cross-entropy at gamma 0, and the published discount for what is right already."""

import math

import numpy as np
import pytest

from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward

RNG = np.random.default_rng(0)
B, T, V = 2, 5, 4
LOGITS, TARGETS = RNG.standard_normal((B, T, V)), RNG.integers(V, size=(B, T))
KEEP = np.arange(T) < np.array([[3], [5]])


def logits_of(p: float) -> np.ndarray:
    """Two classes, the first with probability p."""
    return np.array([[math.log(p / (1 - p)), 0.0]])


def test_it_is_its_definition_token_by_token():
    losses, _ = focal_loss_forward(LOGITS, TARGETS, gamma=1.5, reduction="none")
    for b in range(B):
        for t in range(T):
            p = math.exp(LOGITS[b, t, TARGETS[b, t]]) / sum(map(math.exp, LOGITS[b, t]))
            assert losses[b, t] == pytest.approx(-((1 - p) ** 1.5) * math.log(p), rel=1e-13)


@pytest.mark.parametrize("options", [{}, {"keep": KEEP}, {"class_weights": np.array([1.0, 0.2, 3.0, 0.5])}])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_at_gamma_zero_it_is_cross_entropy_both_ways(options, reduction):
    have, cache = focal_loss_forward(LOGITS, TARGETS, 0.0, reduction=reduction, **options)
    want, plain = cross_entropy_forward(LOGITS, TARGETS, reduction=reduction, **options)
    assert have == pytest.approx(want, rel=1e-14)
    np.testing.assert_allclose(focal_loss_backward(1.0, cache), cross_entropy_backward(1.0, plain), atol=1e-15)


@pytest.mark.parametrize(("p", "times"), [(0.9, 100), (0.99, 10_000), (0.968, 976.5625)])
def test_easy_tokens_cost_as_many_times_less_as_the_paper_says(p, times):
    focal, _ = focal_loss_forward(logits_of(p), np.array([0]))  # gamma is the paper's 2 unless told
    plain, _ = cross_entropy_forward(logits_of(p), np.array([0]))
    assert plain / focal == pytest.approx(times, rel=1e-9)


def test_a_larger_gamma_never_costs_more_and_a_better_prediction_never_either():
    costs = [float(focal_loss_forward(LOGITS, TARGETS, gamma)[0]) for gamma in (0, 0.5, 1, 2, 5)]
    assert costs == sorted(costs, reverse=True)
    falls = [float(focal_loss_forward(logits_of(p), np.array([0]))[0]) for p in (0.1, 0.3, 0.6, 0.9, 0.99)]
    assert falls == sorted(falls, reverse=True)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
def test_a_certain_and_right_prediction_costs_nothing_and_moves_nothing(gamma):
    loss, cache = focal_loss_forward(np.array([[800.0, 0.0]]), np.array([0]), gamma)
    assert loss == 0 and not focal_loss_backward(1.0, cache).any()


def test_a_certain_and_wrong_prediction_is_cross_entropy():
    loss, cache = focal_loss_forward(np.array([[0.0, 800.0]]), np.array([0]))
    assert loss == 800.0
    np.testing.assert_allclose(focal_loss_backward(1.0, cache), [[-1, 1]])


def test_digits_are_kept_where_the_probability_rounds_to_one():
    loss, _ = focal_loss_forward(np.array([[40.0, 0.0]]), np.array([0]), 1.0)
    assert loss == pytest.approx(math.exp(-40) ** 2, rel=1e-12)


def test_what_is_not_kept_costs_nothing_whatever_it_says():
    targets = np.where(KEEP, TARGETS, -100)
    loss, cache = focal_loss_forward(LOGITS, targets, keep=KEEP)
    alone, _ = focal_loss_forward(LOGITS[KEEP], TARGETS[KEEP])
    assert loss == pytest.approx(alone, rel=1e-14)
    assert not focal_loss_backward(1.0, cache)[~KEEP].any()
    assert focal_loss_forward(LOGITS, targets, keep=np.zeros_like(KEEP))[0] == 0
    assert focal_loss_forward(LOGITS[:, :0], TARGETS[:, :0])[0] == 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="gamma"):
        focal_loss_forward(LOGITS, TARGETS, -1.0)
    with pytest.raises(ValueError, match="targets are"):
        focal_loss_forward(LOGITS, TARGETS[0])
    with pytest.raises(ValueError, match="target"):
        focal_loss_forward(LOGITS, TARGETS + V)
