"""Cross-entropy with a distribution for target."""

import math

import numpy as np
import pytest

from tfx.ops.basics.log_softmax import log_softmax_backward, log_softmax_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.kl_divergence import kl_divergence_backward, kl_divergence_forward
from tfx.ops.losses.soft_cross_entropy import soft_cross_entropy_backward, soft_cross_entropy_forward

RNG = np.random.default_rng(0)
B, T, V = 2, 5, 8
LOGITS, IDS = RNG.standard_normal((B, T, V)), RNG.integers(0, V, (B, T))
SOFT, _ = softmax_forward(RNG.standard_normal((B, T, V)))
KEEP = RNG.random((B, T)) < 0.6


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("keep", [None, KEEP], ids=["all", "some"])
def test_with_a_one_hot_target_it_is_cross_entropy(smoothing, keep):
    loss, cache = soft_cross_entropy_forward(LOGITS, np.eye(V)[IDS], smoothing, keep)
    want, want_cache = cross_entropy_forward(LOGITS, IDS, smoothing, keep)
    assert loss == pytest.approx(want, rel=1e-13)
    dlogits = soft_cross_entropy_backward(1.0, cache).dlogits
    np.testing.assert_allclose(dlogits, cross_entropy_backward(1.0, want_cache), rtol=1e-11, atol=1e-15)


def test_the_gradient_is_prediction_minus_target_over_n():
    _, cache = soft_cross_entropy_forward(LOGITS, SOFT)
    want = (softmax_forward(LOGITS)[0] - SOFT) / (B * T)
    np.testing.assert_allclose(soft_cross_entropy_backward(1.0, cache).dlogits, want, rtol=1e-11, atol=1e-16)


def test_its_gradient_in_the_logits_is_that_of_the_kl_divergence():
    """They differ by the entropy of the target, which the logits do not move."""
    _, cache = soft_cross_entropy_forward(LOGITS, SOFT, reduction="sum")
    log_q, softmax_cache = log_softmax_forward(LOGITS)
    _, kl_cache = kl_divergence_forward(log_q, SOFT, reduction="sum")
    want = log_softmax_backward(kl_divergence_backward(1.0, kl_cache).dlog_q, softmax_cache)
    np.testing.assert_allclose(soft_cross_entropy_backward(1.0, cache).dlogits, want, rtol=1e-11, atol=1e-15)


def test_the_loss_is_least_where_the_prediction_is_the_target():
    entropy = -(SOFT * np.log(SOFT)).sum() / (B * T)
    loss, cache = soft_cross_entropy_forward(np.log(SOFT) + 3.0, SOFT)
    assert loss == pytest.approx(entropy, rel=1e-13)
    np.testing.assert_allclose(soft_cross_entropy_backward(1.0, cache).dlogits, 0, atol=1e-16)
    assert soft_cross_entropy_forward(LOGITS, SOFT)[0] > entropy


def test_smoothing_everything_leaves_the_uniform_target():
    loss, cache = soft_cross_entropy_forward(LOGITS, SOFT, smoothing=1.0)
    want, _ = soft_cross_entropy_forward(LOGITS, np.full_like(SOFT, 1 / V))
    assert loss == pytest.approx(want, rel=1e-14)
    assert not soft_cross_entropy_backward(1.0, cache).dtargets.any()


def test_a_mean_with_class_weights_divides_by_the_number_of_tokens():
    weights = RNG.uniform(0.2, 3.0, V)
    loss, _ = soft_cross_entropy_forward(LOGITS, SOFT, class_weights=weights)
    assert loss == pytest.approx(-(weights * SOFT * np.log(softmax_forward(LOGITS)[0])).sum() / (B * T), rel=1e-13)


def test_a_token_that_is_not_kept_changes_nothing_bit_for_bit():
    loss, cache = soft_cross_entropy_forward(LOGITS, SOFT, 0.1, KEEP)
    logits, targets = np.where(KEEP[..., None], LOGITS, np.nan), np.where(KEEP[..., None], SOFT, np.nan)
    spoiled, spoiled_cache = soft_cross_entropy_forward(logits, targets, 0.1, KEEP)
    assert spoiled == loss
    pairs = zip(soft_cross_entropy_backward(1.0, spoiled_cache), soft_cross_entropy_backward(1.0, cache), strict=True)
    for have, want in pairs:
        assert have is want is None or (np.array_equal(have, want) and not have[~KEEP].any())


def test_an_impossible_class_is_free_only_where_nobody_wants_it():
    logits = np.array([[0.0, -math.inf]])
    assert soft_cross_entropy_forward(logits, np.array([[1.0, 0.0]]))[0] == 0
    assert soft_cross_entropy_forward(logits, np.array([[0.5, 0.5]]))[0] == math.inf


def test_an_empty_batch_costs_nothing():
    loss, cache = soft_cross_entropy_forward(LOGITS[:0], SOFT[:0])
    assert loss == 0 and soft_cross_entropy_backward(1.0, cache).dtargets.shape == (0, T, V)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"targets": SOFT[..., 1:]}, ValueError, r"targets are \(2, 5, 7\) but logits are \(2, 5, 8\)"),
        ({"smoothing": 1.5}, ValueError, "between 0 and 1, not 1.5"),
        ({"class_weights": np.ones(7)}, ValueError, r"class weights are \(7,\) but there are 8 classes"),
        ({"keep": KEEP.astype(int)}, TypeError, r"keep must be boolean \(2, 5\), not int64"),
    ],
)
def test_what_does_not_fit_is_named(change, error, words):
    with pytest.raises(error, match=words):
        soft_cross_entropy_forward(**({"logits": LOGITS, "targets": SOFT} | change))
