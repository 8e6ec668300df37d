"""Whole models with few bits for each weight, rounded afterwards or trained with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.compression.quantisation_aware import quantisation_aware
from tfx.compression.quantise_model import linear_maps, quantise_linears
from tfx.models import Encoder
from tfx.ops.small_numbers.binary_weights import binarise, signed_weights
from tfx.ops.small_numbers.quantisation import dequantise, quantise
from tfx.optim import Adam, AdamW
from tfx.train import LabelledBatch, labelling_loss, train


def previous_token(rng: np.random.Generator, rows: int = 16) -> LabelledBatch:
    ids = rng.integers(6, size=(rows, 7))
    return LabelledBatch(ids, np.roll(ids, 1, axis=1))


def new_model(**options: Any) -> Encoder:
    return Encoder(6, **{"d_model": 24, "n_heads": 2, "d_ff": 32, "n_layers": 1, **options})


def loss_of(model: Encoder) -> float:
    """On tokens that the training never saw."""
    loss = labelling_loss()
    return float(loss(model, previous_token(np.random.default_rng(99), 64), np.random.default_rng(0)).loss)


@pytest.fixture(scope="module")
def trained() -> Encoder:
    model = new_model()
    for _ in train(model, previous_token, labelling_loss(), AdamW(model), lambda _: 0.01, 120):
        pass
    return model


def rounded_loss(trained: Encoder, bits: int, **settings: Any) -> float:
    state = trained.state()
    quantise_linears(trained, bits, **settings)
    loss = loss_of(trained)
    trained.load_state(state)
    return loss


def test_eight_bits_cost_nearly_nothing_and_two_bits_nearly_everything(trained):
    exact = loss_of(trained)
    change = {bits: rounded_loss(trained, bits) - exact for bits in (8, 4, 2)}
    assert abs(change[8]) < 0.01 * exact + 1e-4
    assert change[8] < change[4] < change[2] and change[2] > 1.0
    assert loss_of(trained) == exact, "the weights are back"


def test_smaller_groups_help_where_bits_are_few(trained):
    by_tensor, by_group = rounded_loss(trained, 3), rounded_loss(trained, 3, per="group", group=8)
    assert by_group < by_tensor


def test_only_linear_maps_are_rounded_and_the_bytes_shrink_as_promised():
    model = new_model()
    state, n_weights = model.state(), sum(linear.w.value.size for linear in linear_maps(model).values())
    weights = quantise_linears(model, 4, per="channel")
    changed = {name for name, value in model.state().items() if not np.array_equal(value, state[name])}
    assert changed == set(weights.by_name) == {name + ".w" for name in linear_maps(model)}
    n_scales = sum(linear.w.shape[1] for linear in linear_maps(model).values())
    assert weights.n_bytes_before == 4 * n_weights and weights.n_bytes == n_weights // 2 + 4 * n_scales
    for name, codes in weights.by_name.items():
        np.testing.assert_array_equal(model.parameters()[name].value, dequantise(codes))


def test_a_shared_map_is_rounded_once():
    assert len(linear_maps(new_model(n_layers=3, shared=True))) == len(linear_maps(new_model(n_layers=1)))


def two_bits(w: np.ndarray) -> np.ndarray:
    return dequantise(quantise(w, 2, per="channel"))


def signs(w: np.ndarray) -> np.ndarray:
    return signed_weights(binarise(w))


@pytest.mark.parametrize(("rounding", "limit"), [(two_bits, None), (signs, 1.0)], ids=["two bits", "signs"])
def test_training_with_rounded_weights_learns_what_rounding_afterwards_destroys(rounding, limit, trained):
    afterwards = trained.state()
    for linear in linear_maps(trained).values():
        linear.w.value[...] = rounding(linear.w.value)
    destroyed = loss_of(trained)
    trained.load_state(afterwards)
    model = new_model()
    loss = quantisation_aware(labelling_loss(), rounding, limit)
    for _ in train(model, previous_token, loss, Adam(model), lambda _: 0.01, 200):
        pass
    for linear in linear_maps(model).values():
        linear.w.value[...] = rounding(linear.w.value)
    assert loss_of(model) < 0.3 * destroyed


def test_the_gradient_is_that_of_the_rounded_model_handed_to_the_exact_weights():
    model, batch = new_model(dtype="float64"), previous_token(np.random.default_rng(1))
    state, rng = model.state(), np.random.default_rng(0)
    first = next(iter(linear_maps(model).values()))
    model.zero_grad()
    first.w.grad += 5.0  # what an earlier micro-batch left
    value = quantisation_aware(labelling_loss(), two_bits)(model, batch, rng)
    through = {name: parameter.grad.copy() for name, parameter in model.parameters().items()}
    assert all(np.array_equal(model.state()[name], value) for name, value in state.items())
    for linear in linear_maps(model).values():
        linear.w.value[...] = two_bits(linear.w.value)
    model.zero_grad()
    first.w.grad += 5.0
    assert labelling_loss()(model, batch, rng) == value
    for name, parameter in model.parameters().items():
        np.testing.assert_allclose(through[name], parameter.grad, rtol=1e-12, atol=1e-14)


def test_beyond_the_limit_weights_get_no_gradient():
    model, batch = new_model(), previous_token(np.random.default_rng(1))
    linear = next(iter(linear_maps(model).values()))
    linear.w.value[0] = 3.0
    model.zero_grad()
    quantisation_aware(labelling_loss(), signs, limit=1.0)(model, batch, np.random.default_rng(0))
    assert not linear.w.grad[0].any() and linear.w.grad[1:].any()


def test_weights_come_back_when_the_loss_raises():
    model = new_model()
    state = model.state()

    def broken(model, batch, rng):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        quantisation_aware(broken, two_bits)(model, None, None)
    assert all(np.array_equal(model.state()[name], value) for name, value in state.items())
