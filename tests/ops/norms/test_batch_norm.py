"""Batch normalisation: tokens see each other in training, and not in evaluation; padding is seen by nobody."""

import math

import numpy as np
import pytest

from tfx.ops.norms.batch_norm import Statistics, batch_norm_backward, batch_norm_forward, updated_statistics
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

RNG = np.random.default_rng(0)
X, DY = 3.0 + RNG.standard_normal((2, 5, 8)), RNG.standard_normal((2, 5, 8))
GAMMA, BETA = RNG.standard_normal(8), RNG.standard_normal(8)
ONE, ZERO = np.ones(8), np.zeros(8)
KEEP = np.array([[True, True, True, True, True], [True, True, False, True, False]])


def test_every_feature_has_mean_zero_and_variance_one_over_the_batch():
    y, _ = batch_norm_forward(X, ONE, ZERO, eps=0.0)
    np.testing.assert_allclose(y.mean(axis=(0, 1)), 0, atol=1e-14)
    np.testing.assert_allclose(y.var(axis=(0, 1)), 1, rtol=1e-12)


def test_it_is_layer_norm_of_the_transposed_batch_both_ways():
    rows = X.reshape(-1, 8)
    y, cache = batch_norm_forward(rows, ONE, ZERO)
    across, across_cache = layer_norm_forward(rows.T)
    np.testing.assert_allclose(y, across.T, rtol=1e-12, atol=1e-14)
    dy = DY.reshape(-1, 8)
    dx = layer_norm_backward(dy.T, across_cache)[0].T
    np.testing.assert_allclose(batch_norm_backward(dy, cache)[0], dx, rtol=1e-11, atol=1e-13)


def test_in_training_a_token_changes_the_output_of_every_other_and_in_evaluation_of_none():
    moved = X.copy()
    moved[0, 0] += 5.0
    running = Statistics(RNG.standard_normal(8), 1.0 + RNG.random(8))
    for statistics, seen in ((None, 10), (running, 1)):
        before, after = (batch_norm_forward(x, GAMMA, BETA, statistics)[0] for x in (X, moved))
        assert (before != after).any(axis=-1).sum() == seen


def test_evaluation_with_the_batchs_own_statistics_is_training_forward_but_not_backward():
    y, cache = batch_norm_forward(X, GAMMA, BETA)
    again, evaluation = batch_norm_forward(X, GAMMA, BETA, cache.batch)
    np.testing.assert_array_equal(again, y)
    (dx, *rest), (dx_evaluation, *rest_evaluation) = (batch_norm_backward(DY, c) for c in (cache, evaluation))
    assert not np.allclose(dx, dx_evaluation, rtol=0.1)
    np.testing.assert_array_equal(rest, rest_evaluation)


def test_padding_is_as_if_it_were_not_there_whatever_it_holds():
    padded = np.where(KEEP[..., None], X, math.nan)
    y, cache = batch_norm_forward(padded, GAMMA, BETA, keep=KEEP)
    alone, alone_cache = batch_norm_forward(X[KEEP], GAMMA, BETA)
    np.testing.assert_allclose(y[KEEP], alone, rtol=1e-12)
    dx, *rest = batch_norm_backward(DY, cache)
    want_dx, *want = batch_norm_backward(DY[KEEP], alone_cache)
    np.testing.assert_allclose(dx[KEEP], want_dx, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(rest, want, rtol=1e-11, atol=1e-14)
    assert not y[~KEEP].any() and not dx[~KEEP].any()


def test_the_running_statistics_move_by_the_momentum_towards_unbiased_ones():
    _, cache = batch_norm_forward(X, GAMMA, BETA)
    old = Statistics(RNG.standard_normal(8), 1.0 + RNG.random(8))
    mean, variance = updated_statistics(old, cache, momentum=0.25)
    np.testing.assert_allclose(mean, 0.75 * old.mean + 0.25 * X.mean(axis=(0, 1)), rtol=1e-13)
    np.testing.assert_allclose(variance, 0.75 * old.variance + 0.25 * X.var(axis=(0, 1), ddof=1), rtol=1e-12)
    biased = updated_statistics(old, cache, momentum=1.0, unbiased=False)
    np.testing.assert_allclose(biased.variance, X.var(axis=(0, 1)), rtol=1e-12)


def test_the_running_variance_counts_kept_tokens_only():
    _, cache = batch_norm_forward(X, GAMMA, BETA, keep=KEEP)
    _, variance = updated_statistics(Statistics(ZERO, ONE), cache, momentum=1.0)
    np.testing.assert_allclose(variance, X[KEEP].var(axis=0, ddof=1), rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 8), (2, 0, 8)])
def test_a_batch_of_one_token_or_none_has_no_spread_and_no_gradient(shape):
    y, cache = batch_norm_forward(np.full(shape, 3.0), GAMMA, BETA)
    np.testing.assert_allclose(y, np.broadcast_to(BETA, shape), atol=1e-14)
    dx, _, _ = batch_norm_backward(np.ones(shape), cache)
    np.testing.assert_allclose(dx, 0, atol=1e-12)
    assert np.array_equal(updated_statistics(Statistics(ZERO, ONE), cache, 1.0).variance, ZERO)


def test_a_batch_of_nothing_but_padding_gives_zeros():
    y, cache = batch_norm_forward(X, GAMMA, BETA, keep=np.zeros((2, 5), dtype=bool))
    assert not y.any() and not any(grad.any() for grad in batch_norm_backward(DY, cache))


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: batch_norm_forward(X, np.ones(7), ZERO), ValueError, r"width 8 but gamma is \(7,\)"),
        (lambda: batch_norm_forward(X, ONE, ZERO, Statistics(ZERO, np.ones(3))), ValueError, r"but variance is \(3,\)"),
        (lambda: batch_norm_forward(X, ONE, ZERO, keep=KEEP[:1]), ValueError, r"keep is \(1, 5\) but the tokens"),
        (lambda: batch_norm_forward(X, ONE, ZERO, keep=KEEP * 1), TypeError, "must be boolean, not int64"),
        (
            lambda: updated_statistics(
                Statistics(ZERO, ONE), batch_norm_forward(X, ONE, ZERO, Statistics(ZERO, ONE))[1]
            ),
            ValueError,
            "no batch statistics",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, error, said):
    with pytest.raises(error, match=said):
        make()


@pytest.mark.parametrize("n_kept", [2, 3])
def test_the_unbiased_variance_of_few_tokens_divides_by_one_less(n_kept):
    x = np.random.default_rng(8).standard_normal((1, 5, 3))
    keep = np.arange(5)[None] < n_kept
    _, cache = batch_norm_forward(x, np.ones(3), np.zeros(3), keep=keep)
    moved = updated_statistics(Statistics(np.zeros(3), np.zeros(3)), cache, momentum=1.0)
    np.testing.assert_allclose(moved.variance, x[0, :n_kept].var(axis=0, ddof=1), rtol=1e-12)


def test_without_eps_a_constant_feature_gives_beta_too():
    x = np.array([[3.0, 1.0], [3.0, 2.0]])
    y, cache = batch_norm_forward(x, np.ones(2), np.array([5.0, 6.0]), eps=0.0)
    assert y[:, 0].tolist() == [5, 5] and np.isfinite(y).all()
    assert all(np.isfinite(g).all() for g in batch_norm_backward(np.ones_like(x), cache))
