"""Failures of depth, attention and writing: each measure against a case whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.generate import greedy
from tfx.models import DecoderOnly, Encoder
from tfx.nn.feed_forward import FeedForward
from tfx.ops.attention.masks import causal_mask
from tfx.phenomena.attention_collapse import entropy_share, rank_residual, through_attention, through_model
from tfx.phenomena.covariate_shift import feature_shift
from tfx.phenomena.feed_forward_memory import Memory, with_slot
from tfx.phenomena.forgetting import forgetting
from tfx.phenomena.gradient_flow import through_blocks, through_layers
from tfx.phenomena.head_diversity import head_distances, head_diversity
from tfx.phenomena.label_leakage import future_leak
from tfx.phenomena.repetition import loop_period, repeated_share


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


def test_attention_alone_makes_all_tokens_equal_and_a_residual_connection_keeps_them_apart():
    alone, kept = through_attention(8, residual=False), through_attention(8, residual=True)
    assert alone[-1] < 1e-3 and kept[-1] > 0.1
    ratios = alone[1:] / alone[:-1]
    assert ratios[3] < ratios[0], "faster than exponentially"


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


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_feed_forward_network_is_a_sum_of_values(activation):
    rng = np.random.default_rng(0)
    layer = FeedForward(6, 10, rng, activation, dtype="float64")
    for parameter in layer.parameters().values():
        parameter.value[...] = rng.standard_normal(parameter.shape)
    w1, b1, w2, b2 = (parameter.value for parameter in layer.parameters().values())
    memory, x = Memory(w1.T, b1, w2, b2, activation), rng.standard_normal((3, 6))
    np.testing.assert_allclose(memory.read(x), layer.forward(x)[0], rtol=1e-12)
    by_slot = sum(memory.coefficients(x)[:, i, None] * w2[i] for i in range(10)) + b2
    np.testing.assert_allclose(memory.read(x), by_slot, rtol=1e-12)


def test_a_written_fact_is_answered_at_its_key_and_changes_nothing_elsewhere():
    rng = np.random.default_rng(1)
    keys = np.eye(6)[:4]
    memory = Memory(rng.standard_normal((5, 6)), np.zeros(5), rng.standard_normal((5, 6)), np.zeros(6))
    value = rng.standard_normal(6)
    edited = with_slot(memory, keys[0], value, width=0.5)
    np.testing.assert_allclose(edited.read(keys[0]), memory.read(keys[0]) + value)
    np.testing.assert_allclose(edited.read(keys[1:]), memory.read(keys[1:]))
    with pytest.raises(ValueError, match="relu"):
        with_slot(memory._replace(activation="gelu"), keys[0], value, 0.5)


def test_a_causal_model_does_not_see_the_future_and_an_encoder_does():
    ids = np.random.default_rng(0).integers(7, size=(2, 6))
    causal, open_ = DecoderOnly(7, 16, 2, 32, 2), Encoder(7, 16, 2, 32, 2)
    assert future_leak(lambda x: causal.forward(x)[0], ids, 7) == 0
    assert future_leak(lambda x: open_.forward(x)[0], ids, 7) > 0.01
