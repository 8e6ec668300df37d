"""Failures of depth, attention and writing: each measure against a case whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.generate import greedy
from tfx.measure.covariate_shift import feature_shift
from tfx.measure.forgetting import forgetting
from tfx.measure.head_diversity import head_distances, head_diversity
from tfx.measure.label_leakage import future_leak
from tfx.measure.repetition import loop_period, repeated_share
from tfx.measure.token_spread import entropy_share, rank_residual, through_model
from tfx.models import DecoderOnly, Encoder
from tfx.ops.attention.masks import causal_mask


def test_rank_and_entropy_at_their_ends():
    assert rank_residual(np.ones((4, 3))) == 0
    assert rank_residual(np.array([[1.0], [-1.0]])) == 1
    assert entropy_share(np.full((4, 4), 0.25)) == pytest.approx(1)
    assert entropy_share(np.eye(4)) == 0
    mask = causal_mask(4)
    assert entropy_share(mask / mask.sum(axis=1, keepdims=True), mask) == pytest.approx(1)
    residuals, entropies = through_model(Encoder(7, 16, 2, 32, 3).forward(np.array([[1, 2, 3]]))[1])
    assert residuals.shape == (3,) and entropies.shape == (3, 2) and (entropies <= 1 + 1e-6).all()
    with pytest.raises(ValueError, match="more than one"):
        entropy_share(np.ones((1, 1)))


def test_repetition_by_hand():
    assert repeated_share(np.arange(10)) == 0
    assert repeated_share(np.array([1, 2] * 6), n=2) == 1 - 2 / 11
    assert loop_period(np.array([9, 8, 1, 2, 3, 1, 2, 3, 1, 2, 3])) == 3
    assert loop_period(np.arange(9)) is None
    with pytest.raises(ValueError, match="4-gram"):
        repeated_share(np.arange(3))


def test_greedy_writing_with_a_short_window_must_come_back_to_itself():
    """Three tokens seen, five kinds: at most 125 contexts, whatever the weights."""
    for seed in range(2):
        model = DecoderOnly(5, 16, 2, 32, 1, max_len=3, seed=seed)
        assert loop_period(greedy(model, np.array([0, 1, 2]), 500)) is not None


def test_forgetting_is_the_loss_from_the_best():
    assert forgetting(np.array([[0.9, 0.1], [0.3, 0.95]])) == pytest.approx(0.6)
    assert forgetting(np.array([[0.9, 0.1, 0], [0.95, 0.9, 0], [0.95, 0.8, 0.9]])) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="square"):
        forgetting(np.ones((1, 1)))


def test_a_shift_is_counted_in_standard_deviations():
    x = np.random.default_rng(0).standard_normal((5, 100, 3)) * np.array([1, 2, 4])
    assert feature_shift(x, x) == 0
    assert feature_shift(x, x + np.array([1, 2, 4])) == pytest.approx(1, rel=0.1)


def test_heads_that_look_alike_have_no_distance_and_disjoint_ones_log_two():
    weights = np.stack([np.eye(4), np.eye(4), np.eye(4)[::-1]])[None]
    expected = math.log(2) * np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]])
    np.testing.assert_allclose(head_distances(weights), expected)
    assert head_diversity(weights) == pytest.approx(math.log(2) * 2 / 3)
    with pytest.raises(ValueError, match="nothing to differ"):
        head_diversity(weights[:, :1])


def test_a_causal_model_does_not_see_the_future_and_an_encoder_does():
    ids = np.random.default_rng(0).integers(7, size=(2, 6))
    causal, open_ = DecoderOnly(7, 16, 2, 32, 2), Encoder(7, 16, 2, 32, 2)
    assert future_leak(lambda x: causal.forward(x)[0], ids, 7) == 0
    assert future_leak(lambda x: open_.forward(x)[0], ids, 7) > 0.01
    seen: list[int] = []

    def lost_at_the_third(x: np.ndarray) -> np.ndarray:
        seen.append(len(seen))
        return causal.forward(x)[0] * (np.nan if len(seen) == 3 else 1)

    assert np.isnan(future_leak(lost_at_the_third, ids, 7))
