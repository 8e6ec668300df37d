"""First values have the spread that the derivations ask for, and signals keep their size because of it."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.nn.embedding import Embedding
from tfx.nn.init import (
    INITIALISATIONS,
    Initialisation,
    find_initialisation,
    normal,
    scaled_residual,
    truncated_normal,
    xavier_uniform,
)
from tfx.nn.linear import Linear
from tfx.ops.feed_forward.activations import relu_forward
from tfx.ops.norms.layer_norm import layer_norm_forward


def stack(init: str | Initialisation, widths: list[int], seed: int = 0) -> list[Linear]:
    rng = np.random.default_rng(seed)
    return [Linear(i, j, rng, bias=False, dtype="float64", init=init) for i, j in pairwise(widths)]


def variance_at_both_ends(layers: list[Linear], width_in: int, width_out: int) -> tuple[float, float]:
    """Inputs and upstream gradients of variance 1 -> variance of the outputs, variance of the inputs' gradients."""
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((300, width_in)), rng.standard_normal((300, width_out))
    caches = []
    for layer in layers:
        x, cache = layer.forward(x)
        caches.append(cache)
    for layer, cache in zip(reversed(layers), reversed(caches), strict=True):
        dy = layer.backward(dy, cache)
    return float(x.var()), float(dy.var())


@pytest.mark.parametrize("init", ["xavier_uniform", "xavier_normal"])
def test_xavier_keeps_the_variance_through_twenty_maps_both_ways(init):
    forward, backward = variance_at_both_ends(stack(init, [128] * 21), 128, 128)
    assert 0.6 < forward < 1.6
    assert 0.6 < backward < 1.6


@pytest.mark.parametrize(("std", "factor"), [(0.02, 0.0512), (0.2, 5.12)])  # 128 std^2
def test_with_a_fixed_spread_each_map_multiplies_the_variance_by_width_times_its_own(std, factor):
    forward, backward = variance_at_both_ends(stack(partial(normal, std=std), [128] * 21), 128, 128)
    assert forward ** (1 / 20) == pytest.approx(factor, rel=0.05)
    assert backward ** (1 / 20) == pytest.approx(factor, rel=0.05)


def test_between_unequal_widths_xavier_is_a_compromise_that_costs_both_ways_alike():
    widths = [60, 180] * 5 + [60]
    forward, backward = variance_at_both_ends(stack("xavier_normal", widths), 60, 60)
    expected = (4 * 60 * 180 / (60 + 180) ** 2) ** 5  # for each pair of maps, there and back
    assert forward == pytest.approx(expected, rel=0.25)
    assert backward == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize(("init", "left"), [("he_normal", 1.0), ("he_uniform", 1.0), ("xavier_uniform", 0.5)])
def test_a_relu_halves_the_mean_square_and_he_makes_up_for_it(init, left):
    x = np.random.default_rng(1).standard_normal((300, 200))
    for layer in stack(init, [200] * 11):
        x, _ = layer.forward(x)
        x, _ = relu_forward(x)
    # after the last ReLU half of the mean square of its input is left, so that one halving is not of the weights
    assert (2 * np.mean(x * x)) ** (1 / 10) == pytest.approx(left, rel=0.08)


@pytest.mark.parametrize("n_layers", [3, 12])
def test_scaled_residuals_start_with_a_stream_of_variance_two_at_any_depth(n_layers):
    streams = {}
    for name, init in (("plain", "xavier_normal"), ("scaled", scaled_residual(n_layers, "xavier_normal"))):
        x = np.random.default_rng(1).standard_normal((300, 128))
        for layer in stack(init, [128] * (2 * n_layers + 1)):  # two sub-layers in each block
            normed, _ = layer_norm_forward(x, np.ones(128), np.zeros(128))
            x = x + layer.forward(normed)[0]
        streams[name] = x.var()
    assert streams["plain"] == pytest.approx(1 + 2 * n_layers, rel=0.15)
    assert streams["scaled"] == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("xavier_normal", 2 / 800),
        ("he_uniform", 2 / 300),
        ("he_normal", 2 / 300),
        ("normal", 0.02**2),
        ("truncated_normal", (0.02 * 0.8796) ** 2),  # 1 - 4 phi(2) / (Phi(2) - Phi(-2)) = 0.7737 is its square
        ("embedding_normal", 1 / 500),
    ],
)
def test_each_initialisation_has_its_variance_and_mean_zero(name, variance):
    w = INITIALISATIONS[name](np.random.default_rng(0), 300, 500, "float64")
    assert w.shape == (300, 500)
    assert w.var() == pytest.approx(variance, rel=0.02)
    assert abs(w.mean()) < 4 * math.sqrt(variance / w.size)


def test_a_truncated_normal_has_no_weight_beyond_two_deviations():
    w = truncated_normal(np.random.default_rng(0), 100, 100, "float64", std=0.5)
    assert abs(w).max() <= 1.0
    assert (abs(w) > 0.99).any()


def test_layers_take_an_initialisation_by_name_or_as_a_function():
    for init in ("he_normal", INITIALISATIONS["he_normal"]):
        linear = Linear(6, 5, np.random.default_rng(3), init=init)
        embedding = Embedding(6, 5, np.random.default_rng(3), init=init)
        expected = INITIALISATIONS["he_normal"](np.random.default_rng(3), 6, 5, "float32")
        assert np.array_equal(linear.w.value, expected) and linear.w.value.dtype == np.float32
        assert np.array_equal(embedding.table.value, expected)


def test_without_a_word_layers_draw_what_they_always_drew():
    limit = math.sqrt(6 / 11)
    drawn = np.random.default_rng(3).uniform(-limit, limit, (6, 5)).astype("float32")
    assert np.array_equal(Linear(6, 5, np.random.default_rng(3)).w.value, drawn)
    rows = (np.random.default_rng(3).standard_normal((6, 5)) / math.sqrt(5)).astype("float32")
    assert np.array_equal(Embedding(6, 5, np.random.default_rng(3)).table.value, rows)


def test_an_unknown_initialisation_and_a_stack_of_no_layers_are_refused():
    with pytest.raises(ValueError, match=r"xavier_uniform.*not 'glorot'"):
        find_initialisation("glorot")
    with pytest.raises(ValueError, match="at least one layer"):
        scaled_residual(0)


def test_an_embedding_that_is_not_scaled_looks_up_bare_rows():
    embedding = Embedding(6, 9, np.random.default_rng(0), scaled=False)
    ids = np.array([[4, 0, 4]])
    y, cache = embedding.forward(ids)
    assert np.array_equal(y, embedding.table.value[ids])
    embedding.backward(np.ones_like(y), cache)
    assert embedding.table.grad.sum(axis=1).tolist() == [9, 0, 0, 0, 18, 0]


def test_xavier_has_variance_two_over_the_sum_of_widths():
    w = xavier_uniform(np.random.default_rng(0), 300, 500, "float64")
    expected = 2 / (300 + 500)
    standard_error = expected * math.sqrt(0.8 / w.size)  # a uniform's fourth moment is 9/5 of its variance squared
    assert abs(w.var() - expected) < 4 * standard_error
    assert abs(w).max() <= math.sqrt(6 / 800)


def test_embedded_tokens_start_with_variance_one_and_tied_logits_with_that_of_the_hidden_states():
    embedding = Embedding(2000, 128, np.random.default_rng(1), "float64")
    y, _ = embedding.forward(np.arange(2000)[None])
    assert y.var() == pytest.approx(1, abs=0.02)
    x = np.random.default_rng(2).standard_normal((50, 128))
    logits, _ = embedding.logits(x)
    assert logits.var() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("kind", [Encoder, DecoderOnly, EncoderDecoder])
def test_equal_seeds_give_equal_weights_and_other_seeds_others(kind):
    one, same, other = (kind(9, d_model=8, n_heads=2, d_ff=8, n_layers=1, seed=s).state() for s in (3, 3, 4))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)
