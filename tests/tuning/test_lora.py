"""LoRA: nothing changes at first, A and B alone learn, and merged is applied."""

import numpy as np
import pytest

from tests.tuning.models import MODELS, C, logits_of, trained, tune
from tfx.models import Encoder
from tfx.nn.linear import Linear
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.low_rank.lora_linear import lora_linear_backward, lora_linear_forward
from tfx.ops.low_rank.low_rank_update import low_rank_update_backward, low_rank_update_forward
from tfx.optim import AdamW
from tfx.params import flatten, walk
from tfx.tuning import LoraWeight, add_lora

RNG = np.random.default_rng
EVERY = lambda name: True  # noqa: E731


@pytest.mark.parametrize("kind", MODELS)
def test_putting_updates_in_changes_no_output_by_a_bit(kind):
    model = trained(kind)
    before = logits_of(model)
    add_lora(model, 2, RNG(0), alpha=16.0, chosen=EVERY)
    assert np.array_equal(logits_of(model), before)


@pytest.mark.parametrize("kind", MODELS)
def test_only_a_and_b_learn_and_the_backbone_keeps_its_bits(kind):
    model = trained(kind)
    before = model.state()
    lora = add_lora(model, 2, RNG(0))
    assert {name.rsplit(".", 1)[1] for name in lora.parameters()} == {"a", "b"}
    assert {name.split(".")[-3] for name in lora.parameters()} == {"query", "value"}
    losses = tune(model, lora, steps=5)
    assert losses[-1] < losses[0]
    after = {name.removesuffix(".base"): value for name, value in model.state().items()}
    assert all(np.array_equal(after[name], value) for name, value in before.items())
    lora.remove()
    assert all(np.array_equal(model.state()[name], value) for name, value in before.items())


def test_merged_is_applied_and_unmerging_goes_on_learning():
    model, twin = trained(), trained()
    lora, other = (add_lora(one, 3, RNG(0), alpha=6.0, chosen=EVERY) for one in (model, twin))
    tune(model, lora), tune(twin, other)
    applied = logits_of(model)
    lora.merge()
    assert not list(walk(model, LoraWeight))
    assert model.state().keys() == trained().state().keys()
    assert np.array_equal(logits_of(model), applied)
    lora.unmerge()
    assert tune(model, lora) == tune(twin, other)


def test_a_merged_model_equals_the_path_beside_the_frozen_matrix():
    rng = RNG(1)
    layer = Linear(5, 4, rng, dtype="float64")
    lora = add_lora(layer, 2, rng, alpha=3.0, chosen=EVERY)
    layer.w.b.value[...] = rng.standard_normal((2, 4))
    layer.b.value[...] = rng.standard_normal(4)
    x, dy = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 3, 4))
    w, a, b = layer.w.base.value, layer.w.a.value, layer.w.b.value
    beside, beside_cache = lora_linear_forward(x, a, b, w, layer.b.value, 1.5)
    applied, cache = layer.forward(x)
    dx = layer.backward(dy, cache)
    grads = lora_linear_backward(dy, beside_cache)
    np.testing.assert_allclose(applied, beside, rtol=0, atol=1e-14)
    np.testing.assert_allclose(dx, grads.dx, rtol=0, atol=1e-14)
    np.testing.assert_allclose(layer.w.a.grad, grads.da, rtol=0, atol=1e-13)
    np.testing.assert_allclose(layer.w.b.grad, grads.db, rtol=0, atol=1e-13)
    lora.merge()
    np.testing.assert_allclose(layer.forward(x)[0], beside, rtol=0, atol=1e-14)


def test_the_update_is_the_papers_formula_number_by_number():
    w, a, b = np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([[5.0, 7.0]])
    updated, cache = low_rank_update_forward(w, a, b, scale=0.5)
    np.testing.assert_array_equal(updated, [[1 + 0.5 * 3 * 5, 2 + 0.5 * 3 * 7]])
    dw, da, db = low_rank_update_backward(np.array([[1.0, 10.0]]), cache)
    np.testing.assert_array_equal(dw, [[1, 10]])
    np.testing.assert_array_equal(da, [[0.5 * (1 * 5 + 10 * 7)]])
    np.testing.assert_array_equal(db, [[0.5 * 3 * 1, 0.5 * 3 * 10]])


def test_with_b_at_zero_a_has_no_gradient_yet():
    rng = RNG(0)
    layer = Linear(5, 4, rng, dtype="float64")
    add_lora(layer, 2, rng, chosen=EVERY)
    y, cache = layer.forward(rng.standard_normal((3, 5)))
    layer.backward(y, cache)
    assert not layer.w.a.grad.any() and layer.w.b.grad.any()


def test_a_full_rank_update_reaches_any_matrix():
    rng = RNG(3)
    layer = Linear(4, 4, rng, bias=False, dtype="float64")
    add_lora(layer, 4, rng, chosen=EVERY)
    target = rng.standard_normal((4, 4))
    layer.w.a.value[...] = np.eye(4)
    layer.w.b.value[...] = target - layer.w.base.value
    np.testing.assert_allclose(layer.w.value, target, atol=1e-15)


def test_the_counts_of_what_is_trained_and_of_what_the_optimiser_keeps():
    model = trained()
    lora = add_lora(model, 2, RNG(0))
    assert lora.n_parameters == 2 * 2 * 2 * (C + C)  # blocks x (query, value) x rank x (in + out)
    assert AdamW(lora).mean.size == lora.n_parameters
    assert flatten(lora).value.size < 0.1 * trained().n_parameters


def test_alpha_over_rank_keeps_the_size_of_the_update():
    layer = Linear(6, 6, RNG(0))
    assert add_lora(layer, 3, RNG(0), alpha=6.0, chosen=EVERY) and layer.w.scale == 2.0


def test_a_starts_with_variance_one_over_the_width_and_b_at_zero():
    layer = Linear(400, 300, RNG(0))
    add_lora(layer, 30, RNG(1), chosen=EVERY)
    assert layer.w.a.value.std() == pytest.approx(1 / 20, rel=0.05) and not layer.w.b.value.any()


def test_a_map_that_is_used_twice_gets_one_update():
    model = Encoder(7, C, 3, 10, 2, shared=True)
    assert set(add_lora(model, 1, RNG(0)).parameters()) == {
        f"stack.blocks.0.attention.{name}.w.{part}" for name in ("query", "value") for part in ("a", "b")
    }


def test_a_state_of_updates_fits_into_another_copy_of_the_model():
    model, other = trained(), trained()
    lora = add_lora(model, 2, RNG(0))
    tune(model, lora)
    add_lora(other, 2, RNG(5)).load_state(lora.state())
    assert np.array_equal(logits_of(other), logits_of(model))


def test_a_tuned_model_changes_its_dtype():
    model = trained()
    lora = add_lora(model, 2, RNG(0))
    model.astype("float32")
    assert logits_of(model).dtype == "float32" and {v.dtype.name for v in lora.state().values()} == {"float32"}


def test_the_path_beside_costs_no_gradient_of_the_frozen_matrix():
    x, w = RNG(0).standard_normal((3, 5)), RNG(1).standard_normal((5, 4))
    y, cache = lora_linear_forward(x, np.zeros((5, 1)), np.zeros((1, 4)), w)
    plain, plain_cache = linear_forward(x, w)
    assert np.array_equal(y, plain)
    assert np.array_equal(lora_linear_backward(y, cache).dx, linear_backward(y, plain_cache)[0])


@pytest.mark.parametrize("rank", [0, -1, 13])
def test_an_impossible_rank_is_refused(rank):
    with pytest.raises(ValueError, match="rank"):
        add_lora(trained(), rank, RNG(0))


def test_bad_input_is_refused():
    model = trained()
    with pytest.raises(ValueError, match="no linear map"):
        add_lora(model, 1, RNG(0), chosen=lambda name: False)
    add_lora(model, 1, RNG(0))
    with pytest.raises(ValueError, match="already"):
        add_lora(model, 1, RNG(0))
    with pytest.raises(TypeError, match="cannot be set"):
        model.stack.blocks[0].attention.query.w.grad = np.zeros((C, C))
    with pytest.raises(ValueError, match="shape of w"):
        low_rank_update_forward(np.zeros((3, 4)), np.zeros((3, 2)), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="width"):
        lora_linear_forward(np.zeros((3, 4)), np.zeros((4, 2)), np.zeros((2, 5)), np.zeros((4, 4)))
