"""NaN and infinity in filling change no bit: layers, losses, and keys and values that are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.nn.attention import MultiHeadAttention
from tfx.nn.conformer import ConformerSettings, ConvolutionModule
from tfx.nn.key_value_buffer import KeyValueBuffer
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.nn.recurrent import Recurrent
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.mean_pool import mean_pool_backward, mean_pool_forward
from tfx.ops.losses.consistency_loss import consistency_loss_backward, consistency_loss_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward
from tfx.ops.losses.negative_log_likelihood import negative_log_likelihood_backward, negative_log_likelihood_forward
from tfx.ops.losses.soft_cross_entropy import soft_cross_entropy_backward, soft_cross_entropy_forward
from tfx.ops.norms.batch_norm import batch_norm_backward, batch_norm_forward
from tfx.ops.norms.power_norm import power_norm_backward, power_norm_forward

BAD = [np.nan, np.inf, -np.inf]
B, T, S, C = 2, 5, 7, 8
LENGTHS = np.array([7, 4])
FILLING = np.arange(S) >= LENGTHS[:, None]  # (B, S)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def filled(x: np.ndarray, number: float) -> np.ndarray:
    """x: (B, S, ...) with this number in the filling."""
    return np.where(FILLING.reshape(B, S, *(1,) * (x.ndim - 2)), number, x)


def assert_no_bit_changed(results: list[Any]) -> None:
    for clean, odd in zip(*results, strict=True):
        np.testing.assert_array_equal(odd, clean)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(
    "kernel", [None, "tiled", "memory_efficient", "nystrom", {"name": "linformer", "max_len": S, "rank": 3}]
)
@pytest.mark.parametrize("n_kv_heads", [4, 2])
def test_filling_reaches_neither_outputs_nor_the_gradients_of_weights(n_kv_heads, kernel, bad):
    settings = {"n_kv_heads": n_kv_heads, "kernel": kernel}
    results = []
    for number in (0.0, bad):
        layer = MultiHeadAttention(C, 4, np.random.default_rng(1), dtype="float64", **settings)
        x_q, x_kv = numbers(B, T, C), filled(numbers(B, S, C, seed=2), number)
        with np.errstate(all="ignore"):
            y, cache = layer.forward(x_q, x_kv, padding_mask(LENGTHS, S))
            grads = layer.backward(numbers(B, T, C, seed=3), cache)
        results.append((y, grads.dx_q, grads.dx_kv, *(p.grad for p in layer.parameters().values())))
    assert_no_bit_changed(results)


@pytest.mark.parametrize("bad", BAD)
def test_slots_of_a_buffer_that_were_not_written_to_may_hold_anything(bad):
    layer = MultiHeadAttention(C, 4, np.random.default_rng(1), dtype="float64")
    results = []
    for number in (0.0, bad):
        empty = KeyValueBuffer.empty(B, 4, 9, 2, dtype="float64")
        empty.storage_k[...] = empty.storage_v[...] = number
        _, first = layer.forward(numbers(B, 3, C), past=empty)
        y, cache = layer.forward(numbers(B, 2, C, seed=1), past=first.present)
        grads = layer.backward(numbers(B, 2, C, seed=2), cache)
        results.append((y, grads.dx_q, grads.dx_kv, grads.dpast.k, grads.dpast.v))
    assert_no_bit_changed(results)


@pytest.mark.parametrize("bad", BAD)
def test_stored_filling_may_hold_anything(bad):
    layer = MultiHeadAttention(C, 4, np.random.default_rng(1), dtype="float64")
    mask = np.concatenate((padding_mask(LENGTHS, S), np.ones((B, 1, 1, T), bool)), axis=-1)
    results = []
    for number in (0.0, bad):
        stored = (filled(numbers(B, S, 4, 2, seed=seed), number).swapaxes(1, 2) for seed in (4, 5))
        with np.errstate(all="ignore"):
            y, cache = layer.forward(numbers(B, T, C), mask=mask, past=KeyValue(*stored))
            grads = layer.backward(numbers(B, T, C, seed=3), cache)
        weights = (p.grad.copy() for p in layer.parameters().values())
        results.append((y, grads.dx_q, grads.dx_kv, grads.dpast.k, grads.dpast.v, *weights))
        layer.zero_grad()
    assert_no_bit_changed(results)


TARGETS = np.random.default_rng(6).integers(0, C, (B, S))
LOSSES: dict[str, tuple[Any, Any]] = {
    "cross-entropy": (
        lambda x, keep: cross_entropy_forward(x, TARGETS, 0.1, keep, np.arange(1.0, C + 1)), cross_entropy_backward,
    ),
    "soft cross-entropy": (
        lambda x, keep: soft_cross_entropy_forward(x, abs(x), 0.1, keep),
        lambda dloss, cache: soft_cross_entropy_backward(dloss, cache)[:2],
    ),
    "log-likelihood": (
        lambda x, keep: negative_log_likelihood_forward(x, TARGETS, keep), negative_log_likelihood_backward,
    ),
    "focal": (lambda x, keep: focal_loss_forward(x, TARGETS, keep=keep), focal_loss_backward),
    "distillation": (
        lambda x, keep: distillation_loss_forward(x, 2 * x, 3.0, keep), distillation_loss_backward,
    ),
    "consistency": (lambda x, keep: consistency_loss_forward(x, 2 * x, keep), consistency_loss_backward),
    "batch norm": (lambda x, keep: batch_norm_forward(x, numbers(C), numbers(C), keep=keep), batch_norm_backward),
    "power norm": (lambda x, keep: power_norm_forward(x, numbers(C), numbers(C), keep=keep), power_norm_backward),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", LOSSES)
def test_tokens_that_do_not_count_may_hold_anything(name, bad):
    forward, backward = LOSSES[name]
    results = []
    for number in (0.0, bad):
        with np.errstate(all="ignore"):
            y, cache = forward(filled(numbers(B, S, C), number), ~FILLING)
            grads = backward(numbers(*np.shape(y), seed=3) if np.ndim(y) else 1.0, cache)
        results.append((y, *(grads if isinstance(grads, tuple) else (grads,))))
    assert_no_bit_changed(results)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_what_stands_behind_the_end_of_a_row_may_be_anything(bidirectional, kind, bad):
    results = []
    for number in (0.0, bad):
        layer = Recurrent(kind, C, 3, np.random.default_rng(1), bidirectional=bidirectional, dtype="float64")
        with np.errstate(all="ignore"):
            y, cache = layer.forward(filled(numbers(B, S, C), number), lengths=LENGTHS)
            dx = layer.backward(numbers(*y.shape, seed=3), cache)
        results.append((y, dx[0] if isinstance(dx, tuple) else dx, *(p.grad for p in layer.parameters().values())))
    assert_no_bit_changed(results)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("level", ["token", "sequence"])
def test_filling_reaches_no_expert(level, bad):
    results = []
    for number in (0.0, bad):
        layer = MixtureOfExperts(C, 5, np.random.default_rng(1), dtype="float64", n=3, k=2, level=level)
        with np.errstate(all="ignore"):
            y, cache = layer.forward(filled(numbers(B, S, C), number), keep=~FILLING)
            dx = layer.backward(numbers(*y.shape, seed=3), cache)
        results.append((y, dx, *(p.grad for p in layer.parameters().values())))
    assert_no_bit_changed(results)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("norm", ["layer_norm", "batch_norm"])
def test_a_convolution_hears_no_filling(norm, bad):
    results = []
    for number in (0.0, bad):
        layer = ConvolutionModule(
            ConformerSettings(C, 2, 5, 3, inner_norm=norm, dtype="float64"), np.random.default_rng(1)
        )
        with np.errstate(all="ignore"):
            y, cache = layer.forward(filled(numbers(B, S, C), number), ~FILLING)
            dx = layer.backward(filled(numbers(B, S, C, seed=3), 0.0), cache)
        results.append((y, dx, *(p.grad for p in layer.parameters().values())))
    assert_no_bit_changed(results)


@pytest.mark.parametrize("bad", BAD)
def test_means_of_neighbours_leave_filling_out(bad):
    results = []
    for number in (0.0, bad):
        y, cache = mean_pool_forward(filled(numbers(B, S, C), number), 2, ~FILLING)
        results.append((y, mean_pool_backward(numbers(*y.shape, seed=3), cache)))
    assert_no_bit_changed(results)
