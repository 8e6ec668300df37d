"""Weights, units and heads that are taken away."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.compression.head_importance import head_gradients, head_importance
from tfx.compression.pruning import apply_masks, prune_linears, sparsity, with_masks
from tfx.compression.quantise_model import linear_maps
from tfx.compression.removal import remove_heads, remove_units
from tfx.models import Encoder
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.feed_forward import FeedForward
from tfx.ops.small_numbers.pruning_masks import magnitude_mask, n_of_m_mask, unit_mask
from tfx.optim import Adam, AdamW
from tfx.train import LabelledBatch, labelling_loss, train

X = np.random.default_rng(0).standard_normal((2, 5, 12))


def previous_token(rng: np.random.Generator, rows: int = 16) -> LabelledBatch:
    ids = rng.integers(6, size=(rows, 7))
    return LabelledBatch(ids, np.roll(ids, 1, axis=1))


def loss_of(model: Encoder) -> float:
    batch = previous_token(np.random.default_rng(99), 64)
    return float(labelling_loss()(model, batch, np.random.default_rng(0)).loss)


@pytest.fixture(scope="module")
def trained() -> Encoder:
    model = Encoder(6, d_model=24, n_heads=4, d_ff=32, n_layers=1)
    for _ in train(model, previous_token, labelling_loss(), AdamW(model), lambda _: 0.01, 150):
        pass
    return model


@pytest.fixture
def model(trained):
    """The trained one; what a test does to it is undone."""
    state = trained.state()
    yield trained
    trained.load_state(state)


def test_small_weights_matter_less_than_large_ones(model):
    state, exact = model.state(), loss_of(model)
    masks = prune_linears(model, lambda w: magnitude_mask(w, 0.3))
    small_gone = loss_of(model)
    assert sparsity(model, masks) == pytest.approx(0.3, abs=0.01)
    model.load_state(state)
    prune_linears(model, lambda w: magnitude_mask(w, 0.7) == 0)  # the largest 30% go instead
    large_gone = loss_of(model)
    assert small_gone - exact < 0.1 * (large_gone - exact)


def test_training_on_repairs_the_damage_and_leaves_the_zeros_alone(model):
    masks = prune_linears(model, partial(n_of_m_mask, n=1, m=4))
    damaged = loss_of(model)
    loss = with_masks(labelling_loss(), masks)
    for _ in train(model, previous_token, loss, Adam(model), lambda _: 0.01, 100):
        pass
    assert sparsity(model, masks) == pytest.approx(0.75, abs=1e-3)
    assert loss_of(model) < 0.1 * damaged


def test_masks_can_be_applied_again(model):
    masks = prune_linears(model, lambda w: magnitude_mask(w, 0.5))
    for parameter in model.parameters().values():
        parameter.value += 1.0
    assert sparsity(model, masks) < 0.01
    apply_masks(model, masks)
    assert sparsity(model, masks) >= 0.5 and sparsity(model, {}) == 0


def attention(**options: Any) -> MultiHeadAttention:
    layer = MultiHeadAttention(12, 4, np.random.default_rng(1), dtype="float64", **options)
    for parameter in layer.parameters().values():
        parameter.value = np.random.default_rng(parameter.value.size).standard_normal(parameter.shape)
    return layer


def silence(layer: MultiHeadAttention, keep: np.ndarray) -> None:
    """Zero output weights for the heads that are not kept."""
    layer.output.w.value *= np.repeat(keep, layer.d_head)[:, None]


@pytest.mark.parametrize(
    ("options", "keep"),
    [
        ({}, [True, False, True, False]),
        ({"bias": False, "scale": 0.3}, [False, True, True, True]),
        ({"n_kv_heads": 2}, [True, False, False, True]),
        ({"n_kv_heads": 2}, [False, False, True, True]),
        ({"n_kv_heads": 1, "d_head": 5}, [True, True, False, False]),
    ],
)
def test_without_its_silent_heads_attention_computes_the_same_with_fewer_parameters(options, keep):
    layer, keep = attention(**options), np.array(keep)
    silence(layer, keep)
    smaller = remove_heads(layer, keep)
    y, cache = layer.forward(X)
    same, small_cache = smaller.forward(X)
    np.testing.assert_allclose(same, y, atol=1e-12)
    np.testing.assert_allclose(smaller.backward(y, small_cache).dx, layer.backward(y, cache).dx, atol=1e-11)
    assert smaller.n_parameters < layer.n_parameters and smaller.n_heads == keep.sum()


def test_the_smaller_layer_has_arrays_of_its_own():
    layer = attention()
    smaller = remove_heads(layer, np.array([True, True, False, False]))
    for parameter in smaller.parameters().values():
        parameter.value += 1.0
    assert layer.n_heads == 4 and not np.shares_memory(layer.query.w.value, smaller.query.w.value)
    for name, parameter in layer.parameters().items():
        np.testing.assert_array_equal(parameter.value, attention().parameters()[name].value)


@pytest.mark.parametrize("activation", ["gelu", "swiglu"])
def test_without_its_silent_units_a_network_computes_the_same(activation):
    network = FeedForward(12, 8, np.random.default_rng(1), activation, "float64")
    keep = unit_mask(network.second.w.value.T, 3 / 8)
    network.second.w.value[~keep] = 0
    smaller = remove_units(network, keep)
    assert smaller.first.w.shape == (12, 5) and smaller.n_parameters < network.n_parameters
    np.testing.assert_allclose(smaller.forward(X)[0], network.forward(X)[0], atol=1e-13)


@pytest.mark.parametrize(
    ("options", "keep", "said"),
    [
        ({}, [False] * 4, r"would keep \[0, 0, 0, 0\]"),
        ({}, [True] * 3, "each of 4 heads"),
        ({}, [1, 1, 0, 1], "one boolean"),
        ({"n_kv_heads": 2}, [True, True, True, False], r"would keep \[2, 1\] query heads"),
        ({"kernel": "tiled"}, [True, True, True, False], "kernel"),
    ],
)
def test_heads_that_cannot_be_removed_are_named(options, keep, said):
    with pytest.raises(ValueError, match=said):
        remove_heads(attention(**options), np.array(keep))


def test_units_that_cannot_be_removed_are_named():
    with pytest.raises(ValueError, match="each of 8 units"):
        remove_units(FeedForward(12, 8, np.random.default_rng(1)), np.array([True]))


def test_the_importance_of_a_head_is_the_slope_of_the_loss_in_its_factor():
    """Scaling head h by xi is scaling its rows of W_o: central differences around xi = 1."""
    model = Encoder(6, d_model=12, n_heads=3, d_ff=8, n_layers=2, dtype="float64")
    batch, rng = previous_token(np.random.default_rng(2), 1), np.random.default_rng(0)
    found = head_importance(model, labelling_loss(), [batch])
    for name, importance in found.items():
        layer = model.stack.blocks[int(name.split(".")[2])].attention
        for h in range(3):
            rows, sides = slice(4 * h, 4 * h + 4), []
            kept = layer.output.w.value.copy()
            for xi in (1 + 1e-6, 1 - 1e-6):
                layer.output.w.value[rows] = xi * kept[rows]
                sides.append(labelling_loss()(model, batch, rng).loss)
                layer.output.w.value[...] = kept
            assert importance[h] == pytest.approx(abs(sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-9)
    assert list(found) == ["stack.blocks.0.attention", "stack.blocks.1.attention"]


def test_importance_is_a_mean_of_sizes_so_opposite_examples_do_not_cancel(model):
    examples = [previous_token(np.random.default_rng(seed), 1) for seed in range(6)]
    alone = [head_importance(model, labelling_loss(), [one])["stack.blocks.0.attention"] for one in examples]
    together = head_importance(model, labelling_loss(), examples)["stack.blocks.0.attention"]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-4)
    assert not any(parameter.grad.any() for parameter in model.parameters().values())
    of_one = head_importance(model, labelling_loss(), examples, by_layer=True)["stack.blocks.0.attention"]
    assert np.square(of_one).sum() == pytest.approx(1, rel=1e-5)


def test_a_head_without_output_weights_has_no_importance(model):
    layer = model.stack.blocks[0].attention
    silence(layer, np.array([True, False, True, True]))
    importance = head_importance(model, labelling_loss(), [previous_token(np.random.default_rng(0), 1)])
    assert (importance["stack.blocks.0.attention"] == 0).tolist() == [False, True, False, False]
    assert not head_gradients(layer).any()
    with pytest.raises(ValueError, match="there are none"):
        head_importance(model, labelling_loss(), [])


def test_the_head_that_matters_least_can_go_at_the_smallest_cost(model):
    """Measured by the loss itself: each head removed in turn."""
    layer, state = model.stack.blocks[0].attention, model.state()
    examples = [previous_token(np.random.default_rng(seed), 1) for seed in range(40)]
    importance = head_importance(model, labelling_loss(), examples)["stack.blocks.0.attention"]
    cost = []
    for h in range(4):
        silence(layer, np.arange(4) != h)
        cost.append(loss_of(model))
        model.load_state(state)
    assert cost[int(importance.argmin())] < np.mean(cost)


def test_whole_heads_are_dropped_in_training_only():
    layer = attention(head_dropout=0.5)
    quiet, _ = layer.forward(X)
    loud, cache = layer.forward(X, rng=np.random.default_rng(0))
    weights = cache.attention.attend.dropout
    assert weights is not None and weights.shape == (2, 4, 1, 1)
    assert set(np.unique(weights)) <= {0.0, 1.0, 4 / 3, 2.0, 4.0}
    assert (loud != quiet).any()
    np.testing.assert_array_equal(attention().forward(X)[0], quiet)
    with pytest.raises(ValueError, match="head_dropout acts on attention weights"):
        attention(head_dropout=0.5, kernel="tiled")


def test_linear_maps_are_found_under_their_names(model):
    assert "stack.blocks.0.attention.query" in linear_maps(model)
