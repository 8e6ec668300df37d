"""Kullback-Leibler divergence: never negative, zero for equals, and not a distance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.ops.losses.kl_divergence import kl_divergence_backward, kl_divergence_forward

RNG = np.random.default_rng(0)
B, V = 3, 5


def two_distributions(seed=0):
    x, y = np.random.default_rng(seed).standard_normal((2, B, V))
    return log_softmax_forward(x)[0], softmax_forward(y)[0]


def test_it_is_its_definition():
    log_q, p = two_distributions()
    total = sum(p[b, v] * (math.log(p[b, v]) - log_q[b, v]) for b in range(B) for v in range(V))
    for reduction, n in (("batchmean", B), ("sum", 1), ("mean", B * V)):
        assert kl_divergence_forward(log_q, p, reduction=reduction)[0] == pytest.approx(total / n, rel=1e-13)
    terms, _ = kl_divergence_forward(log_q, p, reduction="none")
    assert terms.shape == (B, V) and terms.sum() == pytest.approx(total, rel=1e-13)


def test_a_fair_coin_taken_for_one_that_falls_on_heads_three_times_in_four():
    """1/2 log(1/2 / 3/4) + 1/2 log(1/2 / 1/4) = log(4/3) / 2 nats; the other way round it is another number."""
    fair, bent = np.array([[0.5, 0.5]]), np.array([[0.75, 0.25]])
    assert kl_divergence_forward(np.log(bent), fair)[0] == pytest.approx(math.log(4 / 3) / 2, rel=1e-14)
    assert kl_divergence_forward(np.log(fair), bent)[0] == pytest.approx(math.log(27 / 16) / 4, rel=1e-14)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_it_is_never_negative_and_zero_for_equals(seed):
    log_q, p = two_distributions(seed)
    assert kl_divergence_forward(log_q, p)[0] > 0
    assert kl_divergence_forward(np.log(p), p)[0] == pytest.approx(0, abs=1e-15)


def test_log_probabilities_say_the_same():
    log_q, p = two_distributions()
    loss, cache = kl_divergence_forward(log_q, np.log(p), log_target=True)
    want, want_cache = kl_divergence_forward(log_q, p)
    assert loss == pytest.approx(want, rel=1e-13)
    grads, want_grads = kl_divergence_backward(1.0, cache), kl_divergence_backward(1.0, want_cache)
    np.testing.assert_allclose(grads.dlog_q, want_grads.dlog_q, rtol=1e-13)
    np.testing.assert_allclose(grads.dtarget, p * want_grads.dtarget, rtol=1e-12, atol=1e-15)


def test_a_class_that_is_never_true_costs_nothing_whatever_the_model_says():
    log_q = np.array([[math.log(0.5), math.log(0.5)], [0.0, -math.inf]])
    for log_target in (False, True):
        target = np.array([[1.0, 0.0], [1.0, 0.0]])
        with np.errstate(divide="ignore"):
            target = np.log(target) if log_target else target
        terms, cache = kl_divergence_forward(log_q, target, log_target, reduction="none")
        np.testing.assert_allclose(terms, [[math.log(2), 0], [0, 0]])
        assert kl_divergence_backward(np.ones((2, 2)), cache).dlog_q.tolist() == [[-1, 0], [-1, 0]]
    assert not kl_divergence_backward(np.ones((2, 2)), cache).dtarget[:, 1].any(), "log p cannot fall any further"


def test_the_slope_of_p_log_p_at_zero_is_minus_infinity():
    _, cache = kl_divergence_forward(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]))
    assert kl_divergence_backward(1.0, cache).dtarget[0, 1] == -math.inf


def test_what_the_model_rules_out_although_it_is_true_costs_infinity():
    assert kl_divergence_forward(np.array([[0.0, -math.inf]]), np.array([[0.5, 0.5]]))[0] == math.inf


def test_the_one_in_the_gradient_of_p_drops_out_behind_a_softmax():
    scores = RNG.standard_normal((B, V))
    p, softmax_cache = softmax_forward(scores)
    log_q, _ = two_distributions()
    _, cache = kl_divergence_forward(log_q, p)
    dp = kl_divergence_backward(1.0, cache).dtarget
    np.testing.assert_allclose(
        softmax_backward(dp, softmax_cache), softmax_backward(dp - 1 / B, softmax_cache), rtol=0, atol=1e-16
    )


def test_no_rows_cost_nothing():
    loss, cache = kl_divergence_forward(np.zeros((0, V)), np.zeros((0, V)))
    assert loss == 0 and kl_divergence_backward(1.0, cache).dlog_q.shape == (0, V)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"the target is \(3, 4\) but the log-probabilities are \(3, 5\)"):
        kl_divergence_forward(np.zeros((3, 5)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, not 'max'"):
        kl_divergence_forward(np.zeros((3, 5)), np.zeros((3, 5)), reduction="max")
