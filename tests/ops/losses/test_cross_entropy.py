"""Cross-entropy: its definition, label smoothing, and tokens that do not count."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

RNG = np.random.default_rng(0)
B, T, V = 2, 5, 8
LOGITS, TARGETS = RNG.standard_normal((B, T, V)), RNG.integers(0, V, (B, T))
KEEP = RNG.random((B, T)) < 0.6


def by_definition(logits, targets, smoothing=0.0, keep=None):
    losses = []
    for b, t in np.ndindex(targets.shape):
        if keep is not None and not keep[b, t]:
            continue
        p = np.exp(logits[b, t]) / np.exp(logits[b, t]).sum()
        q = [(1 - smoothing) * (v == targets[b, t]) + smoothing / V for v in range(V)]
        losses.append(-sum(q[v] * math.log(p[v]) for v in range(V)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("keep", [None, KEEP], ids=["all", "some"])
def test_it_is_its_definition(smoothing, keep):
    loss, cache = cross_entropy_forward(LOGITS, TARGETS, smoothing, keep)
    assert loss == pytest.approx(by_definition(LOGITS, TARGETS, smoothing, keep), rel=1e-13)
    n = B * T if keep is None else keep.sum()
    assert cache.token_losses.sum() / n == pytest.approx(loss, rel=1e-14)


def test_equal_logits_cost_log_v_with_any_smoothing():
    for smoothing in (0.0, 0.3):
        loss, _ = cross_entropy_forward(np.zeros((B, T, V)), TARGETS, smoothing)
        assert loss == pytest.approx(math.log(V), rel=1e-15)


def test_the_gradient_is_prediction_minus_target_over_n():
    _, cache = cross_entropy_forward(LOGITS, TARGETS)
    want = (softmax_forward(LOGITS)[0] - np.eye(V)[TARGETS]) / (B * T)
    np.testing.assert_allclose(cross_entropy_backward(1.0, cache), want, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_any_integer_type_is_a_target(dtype):
    loss, cache = cross_entropy_forward(LOGITS, TARGETS.astype(dtype), 0.1, KEEP)
    want, want_cache = cross_entropy_forward(LOGITS, TARGETS, 0.1, KEEP)
    assert loss == want
    assert np.array_equal(cross_entropy_backward(1.0, cache), cross_entropy_backward(1.0, want_cache))


def test_the_gradient_of_every_token_sums_to_zero():
    _, cache = cross_entropy_forward(LOGITS, TARGETS, 0.1, KEEP)
    np.testing.assert_allclose(cross_entropy_backward(2.5, cache).sum(axis=-1), 0, atol=1e-15)


def test_smoothing_is_content_with_a_finite_gap():
    """At logits whose softmax is the smoothed target the gradient is zero: gap = log((1 - s + s/V) / (s/V))."""
    s = 0.1
    logits = np.zeros((1, V))
    logits[0, 3] = math.log((1 - s + s / V) / (s / V))
    _, cache = cross_entropy_forward(logits, np.array([3]), s)
    np.testing.assert_allclose(cross_entropy_backward(1.0, cache), 0, atol=1e-15)


def test_a_token_that_is_not_kept_changes_nothing_bit_for_bit():
    loss, cache = cross_entropy_forward(LOGITS, TARGETS, 0.1, KEEP)
    logits, targets = LOGITS.copy(), TARGETS.copy()
    logits[~KEEP], targets[~KEEP] = np.inf, -100
    with np.errstate(invalid="ignore"):
        spoiled, spoiled_cache = cross_entropy_forward(logits, targets, 0.1, KEEP)
        dlogits = cross_entropy_backward(1.0, spoiled_cache)
    assert spoiled == loss
    assert np.array_equal(dlogits, cross_entropy_backward(1.0, cache)) and not dlogits[~KEEP].any()


def test_without_kept_tokens_loss_and_gradient_are_zero():
    for logits, targets, keep in (
        (LOGITS, TARGETS, np.zeros((B, T), bool)),
        (LOGITS[:, :0], TARGETS[:, :0], None),
        (LOGITS[:0], TARGETS[:0], KEEP[:0]),
    ):
        loss, cache = cross_entropy_forward(logits, targets, 0.1, keep)
        dlogits = cross_entropy_backward(1.0, cache)
        assert loss == 0 and dlogits.shape == logits.shape and not dlogits.any()


WEIGHTS = RNG.uniform(0.2, 3.0, V)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_class_weights_multiply_each_class_and_a_mean_divides_by_those_of_the_targets(smoothing):
    loss, cache = cross_entropy_forward(LOGITS, TARGETS, smoothing, KEEP, WEIGHTS)
    log_p = np.log(softmax_forward(LOGITS)[0])
    costs = []
    for b, t in np.argwhere(KEEP):
        q = np.full(V, smoothing / V)
        q[TARGETS[b, t]] += 1 - smoothing
        costs.append(-(WEIGHTS * q * log_p[b, t]).sum())
    assert loss == pytest.approx(sum(costs) / WEIGHTS[TARGETS[KEEP]].sum(), rel=1e-13)
    assert cache.token_losses[KEEP] == pytest.approx(costs, rel=1e-12)


def test_only_the_ratios_of_class_weights_matter_to_a_mean():
    plain, weighted = (
        cross_entropy_forward(LOGITS, TARGETS, 0.1),
        cross_entropy_forward(LOGITS, TARGETS, 0.1, class_weights=np.full(V, 4.0)),
    )
    assert weighted[0] == pytest.approx(plain[0], rel=1e-14)
    np.testing.assert_allclose(
        cross_entropy_backward(1.0, weighted[1]), cross_entropy_backward(1.0, plain[1]), rtol=1e-12, atol=1e-16
    )


def test_targets_whose_classes_all_weigh_nothing_cost_nothing():
    loss, cache = cross_entropy_forward(LOGITS, np.zeros_like(TARGETS), class_weights=np.eye(V)[1])
    assert loss == 0 and not cross_entropy_backward(1.0, cache).any()


def test_class_weights_of_float64_do_not_widen_float32_logits():
    loss, cache = cross_entropy_forward(LOGITS.astype("float32"), TARGETS, 0.1, KEEP, WEIGHTS)
    assert loss.dtype == cross_entropy_backward(1.0, cache).dtype == "float32"


def test_the_losses_of_single_tokens_add_up_to_the_sum_and_to_n_times_the_mean():
    each, cache = cross_entropy_forward(LOGITS, TARGETS, 0.1, KEEP, reduction="none")
    total, total_cache = cross_entropy_forward(LOGITS, TARGETS, 0.1, KEEP, reduction="sum")
    mean, _ = cross_entropy_forward(LOGITS, TARGETS, 0.1, KEEP)
    assert each.shape == (B, T) and not each[~KEEP].any()
    assert each.sum() == pytest.approx(total, rel=1e-14) == pytest.approx(mean * KEEP.sum(), rel=1e-14)
    np.testing.assert_allclose(
        cross_entropy_backward(np.full((B, T), 2.0), cache), cross_entropy_backward(2.0, total_cache), rtol=1e-14
    )


def test_a_vocabulary_of_one_costs_nothing_and_forgives_a_target_that_is_not_kept():
    loss, cache = cross_entropy_forward(
        LOGITS[0, :, :1], np.array([0, 0, 7, 0, -1]), keep=np.array([1, 1, 0, 1, 0]) > 0
    )
    assert loss == 0 and not cross_entropy_backward(1.0, cache).any()


def test_one_token_needs_no_batch():
    loss, cache = cross_entropy_forward(LOGITS[0, 0], TARGETS[0, 0:1].reshape(()))
    assert loss == pytest.approx(by_definition(LOGITS[:1, :1], TARGETS[:1, :1]), rel=1e-14)
    assert cross_entropy_backward(1.0, cache).shape == (V,)


@settings(max_examples=30, deadline=None)
@given(st.floats(-1e4, 1e4))
def test_adding_a_constant_to_all_logits_changes_nothing(shift):
    loss, _ = cross_entropy_forward(LOGITS, TARGETS, 0.1)
    assert cross_entropy_forward(LOGITS + shift, TARGETS, 0.1)[0] == pytest.approx(loss, rel=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_logit_of_1e30_costs_1e30_and_not_infinity(dtype):
    logits = np.array([[1e30, 0.0]], dtype)
    assert cross_entropy_forward(logits, np.array([0]))[0] == 0
    loss, cache = cross_entropy_forward(logits, np.array([1]))
    assert loss == np.array(1e30, dtype)
    assert np.array_equal(cross_entropy_backward(1.0, cache), [[1, -1]])


def test_an_impossible_class_is_fine_unless_it_is_the_target_or_gets_a_share():
    logits = np.array([[0.0, -math.inf]])
    assert cross_entropy_forward(logits, np.array([0]))[0] == 0
    with np.errstate(divide="ignore"):
        assert cross_entropy_forward(logits, np.array([1]))[0] == math.inf
        assert cross_entropy_forward(logits, np.array([0]), 0.1)[0] == math.inf


def test_nan_stays_nan():
    assert math.isnan(cross_entropy_forward(np.array([[math.nan, 0.0]]), np.array([1]))[0])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"targets": np.full((B, T), V)}, ValueError, r"target 8 is outside a vocabulary of 8 \(0 to 7\)"),
        ({"targets": np.full((B, T), -1)}, ValueError, "target -1 is outside"),
        ({"targets": np.zeros((B, T))}, TypeError, "targets must be integers, not float64"),
        ({"targets": TARGETS[:, :3]}, ValueError, r"targets are \(2, 3\) but logits ask for \(2, 5\)"),
        ({"smoothing": 1.0}, ValueError, "label smoothing must be at least 0 and below 1, not 1.0"),
        ({"keep": KEEP.astype(float)}, TypeError, "keep must be boolean"),
        ({"keep": KEEP[:1]}, TypeError, r"keep must be boolean \(2, 5\), not bool \(1, 5\)"),
        ({"class_weights": WEIGHTS[1:]}, ValueError, r"class weights are \(7,\) but there are 8 classes"),
        ({"reduction": "median"}, ValueError, "reduction must be one of mean, sum, none, not 'median'"),
    ],
)
def test_what_does_not_fit_is_named(change, error, words):
    with pytest.raises(error, match=words):
        cross_entropy_forward(**({"logits": LOGITS, "targets": TARGETS} | change))
