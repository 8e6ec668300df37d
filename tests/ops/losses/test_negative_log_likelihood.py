"""Negative log-likelihood: cross-entropy without its softmax."""

import numpy as np
import pytest

from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.negative_log_likelihood import negative_log_likelihood_backward, negative_log_likelihood_forward
from tfx.ops.losses.targets import keep_except

RNG = np.random.default_rng(0)
B, T, V = 2, 5, 8
LOGITS, TARGETS = RNG.standard_normal((B, T, V)), RNG.integers(0, V, (B, T))
KEEP, WEIGHTS = RNG.random((B, T)) < 0.6, RNG.uniform(0.2, 3.0, V)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "class weights"])
def test_after_a_log_softmax_it_is_cross_entropy_with_its_gradient(weights, reduction):
    log_probs, softmax_cache = log_softmax_forward(LOGITS)
    loss, cache = negative_log_likelihood_forward(log_probs, TARGETS, KEEP, weights, reduction)
    want, want_cache = cross_entropy_forward(LOGITS, TARGETS, 0.0, KEEP, weights, reduction)
    np.testing.assert_allclose(loss, want, rtol=1e-13)
    dloss = RNG.standard_normal(np.shape(loss))
    dlogits = log_softmax_backward(negative_log_likelihood_backward(dloss, cache), softmax_cache)
    np.testing.assert_allclose(dlogits, cross_entropy_backward(dloss, want_cache), rtol=1e-12, atol=1e-15)


def test_the_gradient_is_minus_one_over_n_at_the_kept_targets_and_zero_elsewhere():
    _, cache = negative_log_likelihood_forward(LOGITS, TARGETS, KEEP)
    want = -(np.eye(V)[TARGETS] * KEEP[..., None]) / KEEP.sum()
    assert np.array_equal(negative_log_likelihood_backward(1.0, cache), want)


def test_a_number_that_stands_for_no_target_becomes_keep():
    assert keep_except(np.array([3, -100, 0]), -100).tolist() == [True, False, True]
    targets = np.where(KEEP, TARGETS, -100)
    loss, _ = negative_log_likelihood_forward(LOGITS, targets, keep_except(targets, -100))
    assert loss == negative_log_likelihood_forward(LOGITS, TARGETS, KEEP)[0]


def test_an_impossible_class_costs_infinity_only_where_it_is_the_kept_target():
    log_probs = np.array([[0.0, -np.inf], [0.0, -np.inf]])
    assert negative_log_likelihood_forward(log_probs, np.array([0, 0]))[0] == 0
    assert negative_log_likelihood_forward(log_probs, np.array([0, 1]))[0] == np.inf
    assert negative_log_likelihood_forward(log_probs, np.array([0, 1]), np.array([True, False]))[0] == 0


def test_with_nothing_kept_the_loss_and_its_gradient_are_zero():
    loss, cache = negative_log_likelihood_forward(LOGITS, TARGETS, np.zeros((B, T), bool), WEIGHTS)
    assert loss == 0 and not negative_log_likelihood_backward(1.0, cache).any()


def test_a_target_outside_the_vocabulary_is_named():
    with pytest.raises(ValueError, match=r"target 8 is outside a vocabulary of 8 \(0 to 7\)"):
        negative_log_likelihood_forward(LOGITS, np.full((B, T), V))
