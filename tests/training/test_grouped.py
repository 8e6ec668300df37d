"""Groups: each with its share of the rate; a frozen one does not notice that there was a step."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.strict_device import download, synced, upload
from tests.training.test_optim import on_the_device
from tfx.io.checkpoint import load_checkpoint, save_checkpoint
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.optim import (
    SGD,
    Adafactor,
    Adam,
    AdamW,
    GroupedOptimizer,
    MixedPrecision,
    depth_of,
    gradual_unfreezing,
    layerwise_decay,
    product_of,
)
from tfx.params import flatten
from tfx.schedule import constant
from tfx.train import next_token_loss, scaled_loss, train

SIZE: dict[str, Any] = {"d_model": 8, "n_heads": 2, "d_ff": 8, "n_layers": 3, "tied": False}
RATE = partial(constant, learning_rate=0.01)
TOP = 4


def batch(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(7, size=(4, 6))


def model_and(make: Any, factor: Any, seed: int = 0, **settings: Any) -> tuple[DecoderOnly, GroupedOptimizer]:
    model = DecoderOnly(7, seed=seed, **SIZE | settings)
    return model, GroupedOptimizer(model, make, depth_of(model), factor)


def run(model: Any, optimizer: Any, steps: int, **options: Any) -> list[Any]:
    return list(train(model, batch, next_token_loss(), optimizer, RATE, steps, **options))


def test_depth_is_read_from_the_names():
    model = Encoder(7, positions="learned", **SIZE)
    depth = depth_of(model)
    assert {depth(name) for name in model.parameters() if name.startswith(("embedding", "input"))} == {0}
    assert depth("stack.blocks.1.attention.query.w") == 2
    assert depth("stack.norm.gamma") == depth("output.linear.w") == TOP
    both = EncoderDecoder(7, **SIZE)
    assert depth_of(both)("encoder.blocks.0.norm1.gamma") == depth_of(both)("decoder.blocks.0.norm1.gamma") == 1
    assert depth_of(both)("encoder.norm.gamma") == TOP


@pytest.mark.parametrize("make", [SGD, AdamW, Adafactor])
def test_groups_that_all_have_the_whole_rate_are_one_optimiser(make):
    one = DecoderOnly(7, **SIZE)
    alone = make(one)
    run(one, alone, 4)
    model, optimizer = model_and(make, layerwise_decay(1.0, TOP))
    run(model, optimizer, 4)
    assert np.array_equal(flatten(model).value, flatten(one).value)
    assert sum(member.parameters.value.size for member in optimizer.members) == flatten(one).value.size


def test_each_layer_moves_by_its_share_of_the_rate():
    model, optimizer = model_and(SGD, layerwise_decay(0.5, TOP), dtype="float64")
    before, depth = model.state(), depth_of(model)
    run(model, optimizer, 1, clip=None)
    for name, parameter in model.parameters().items():
        want = before[name] - 0.01 * 0.5 ** (TOP - depth(name)) * parameter.grad
        np.testing.assert_allclose(parameter.value, want, rtol=1e-12, atol=1e-18)


def test_what_is_frozen_gets_no_update_no_decay_and_no_change_of_its_averages():
    model, optimizer = model_and(partial(AdamW, weight_decay=0.5), gradual_unfreezing(3, TOP))
    before, depth = model.state(), depth_of(model)
    for record in train(model, batch, next_token_loss(), optimizer, RATE, 14):
        thawed = {group for group in range(TOP + 1) if record.step > (TOP - group) * 3}
        for name, value in model.state().items():
            assert np.array_equal(value, before[name]) == (depth(name) not in thawed) or name.endswith("key.b")
        for group, member in zip(optimizer.groups, optimizer.members, strict=True):
            assert member.steps == max(0, record.step - (TOP - group) * 3)
            assert bool(member.state()["mean"].any()) == (group in thawed)
    assert min(optimizer.groups) == 0 and optimizer.steps == 14


def test_a_group_that_thaws_begins_with_adams_first_step():
    model, optimizer = model_and(partial(Adam, eps=0.0), gradual_unfreezing(2, TOP))
    run(model, optimizer, 2)
    before = model.stack.blocks[2].feed_forward.first.w.value.copy()
    run(model, optimizer, 3, start=2)
    moved = abs(model.stack.blocks[2].feed_forward.first.w.value - before)
    np.testing.assert_allclose(moved[moved > 0], 0.01, rtol=1e-4)


def test_the_gradient_of_what_is_frozen_does_not_shorten_the_steps_of_the_others():
    model, optimizer = model_and(SGD, gradual_unfreezing(100, TOP))
    record = run(model, optimizer, 1)[0]
    whole = run(*model_and(SGD, layerwise_decay(1.0, TOP)), 1)[0]
    head = [p.grad for name, p in model.parameters().items() if depth_of(model)(name) == TOP]
    assert record.grad_norm < whole.grad_norm and all(grad.any() for grad in head)
    assert not model.embedding.table.grad.any()


def test_a_run_resumed_in_the_middle_of_the_thaw_ends_with_the_same_bits(tmp_path):
    factor = product_of(gradual_unfreezing(2, TOP), layerwise_decay(0.7, TOP))
    whole, whole_optimizer = model_and(AdamW, factor)
    run(whole, whole_optimizer, 9)
    first, first_optimizer = model_and(AdamW, factor)
    run(first, first_optimizer, 5)
    save_checkpoint(tmp_path / "run.npz", first, first_optimizer, 0, {})
    second, second_optimizer = model_and(AdamW, factor, seed=3)
    steps, seed, _ = load_checkpoint(tmp_path / "run.npz", second, second_optimizer)
    run(second, second_optimizer, 9, start=steps, seed=seed)
    assert steps == 5 and np.array_equal(flatten(second).value, flatten(whole).value)
    with pytest.raises(ValueError, match="groups keep"):
        second_optimizer.load_state(AdamW(second).state())


def test_groups_thaw_under_mixed_precision_too():
    model = DecoderOnly(7, dtype="float16", activation="relu", **SIZE)
    make = lambda flat: GroupedOptimizer(flat, SGD, depth_of(model), gradual_unfreezing(50, TOP))  # noqa: E731
    optimizer, before = MixedPrecision(model, make), model.state()
    list(train(model, batch, scaled_loss(next_token_loss(), optimizer), optimizer, RATE, 3))
    moved = {name for name, value in model.state().items() if not np.array_equal(value, before[name])}
    assert moved and {depth_of(model)(name) for name in moved} == {TOP}


def test_frozen_groups_have_no_part_in_the_gradient_under_mixed_precision():
    model = DecoderOnly(7, dtype="float16", activation="relu", **SIZE)
    make = lambda flat: GroupedOptimizer(flat, SGD, depth_of(model), gradual_unfreezing(50, TOP))  # noqa: E731
    optimizer = MixedPrecision(model, make)
    optimizer.half.grad[...] = 1.0
    assert optimizer.collect()
    flat = optimizer.parameters
    followed = {name for name, part in zip(flat.names, flat.slices, strict=True) if flat.grad[part].any()}
    assert followed and {depth_of(model)(name) for name in followed} == {TOP}


def test_factors_multiply():
    both = product_of(layerwise_decay(0.5, 3), gradual_unfreezing(2, 3))
    assert [both(group, 5) for group in range(4)] == [0, 0.25, 0.5, 1]


def test_bad_input_is_refused():
    for decay in (0.0, 1.5):
        with pytest.raises(ValueError, match="decay"):
            layerwise_decay(decay, TOP)
    with pytest.raises(ValueError, match="thaw"):
        gradual_unfreezing(0, TOP)


def test_groups_on_the_device_make_nobody_wait():
    model = DecoderOnly(7, **SIZE | {"dtype": "float64"})
    make = lambda flat: GroupedOptimizer(flat, AdamW, depth_of(model), gradual_unfreezing(2, TOP))  # noqa: E731
    there, here = make(on_the_device(flatten(model))), make(flatten(model))
    waits, rng = synced.count, np.random.default_rng(0)
    for _ in range(4):
        grad = rng.standard_normal(here.parameters.grad.shape)
        here.parameters.grad[...] = grad
        there.parameters.grad[...] = upload(grad)
        for optimizer in (here, there):
            assert optimizer.collect()
            optimizer.step(0.1)
    assert synced.count == waits
    np.testing.assert_allclose(download(there.parameters.value), here.parameters.value, rtol=1e-13)
