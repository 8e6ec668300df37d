"""Mixed precision: what float16 alone loses, and that master weights and loss scaling keep it."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced
from tests.training.test_optim import on_the_device
from tfx.io.checkpoint import load_checkpoint, save_checkpoint
from tfx.models import DecoderOnly
from tfx.nn.linear import Linear
from tfx.optim import SGD, AdamW, LossScale, MixedPrecision
from tfx.params import flatten
from tfx.schedule import constant
from tfx.train import LossValue, TrainingDiverged, accumulated, next_token_loss, scaled_loss, train

SIZE: dict[str, Any] = {"d_model": 16, "n_heads": 2, "d_ff": 16, "n_layers": 1, "activation": "relu"}
RATE = partial(constant, learning_rate=0.01)


def counting(rng: np.random.Generator) -> np.ndarray:
    return (rng.integers(7, size=(8, 1)) + np.arange(6)) % 7


def model_and_optimizer(scale: LossScale | None = None, seed: int = 0) -> tuple[DecoderOnly, MixedPrecision]:
    model = DecoderOnly(7, dtype="float16", seed=seed, **SIZE)
    return model, MixedPrecision(model, AdamW, scale)


def run(model: Any, optimizer: MixedPrecision, steps: int, loss: Any = None, **options: Any) -> list[Any]:
    scaled = scaled_loss(next_token_loss() if loss is None else loss, optimizer)
    return list(train(model, counting, scaled, optimizer, RATE, steps, **options))


def test_updates_that_float16_would_round_away_add_up_in_the_master_copy():
    half = Linear(2, 2, np.random.default_rng(0), dtype="float16")
    half.w.value[...] = 1.0
    optimizer, plain = MixedPrecision(half, SGD), np.ones(4, "float16")
    for _ in range(100):
        half.w.grad[...] = optimizer.scale.value * 1e-4
        assert optimizer.collect()
        optimizer.step(1.0)
        plain -= np.float16(1e-4)  # half the distance to the next number below 1 is 2.4e-4
    assert (plain == 1.0).all()
    np.testing.assert_allclose(half.w.value, 0.99, rtol=1e-3)
    assert half.w.value.dtype == "float16" and optimizer.parameters.value.dtype == "float32"


def test_gradients_that_vanish_without_scaling_survive_with_it():
    """A loss of one in a hundred thousand: of the float32 gradient's entries, which are still there in float16?"""
    ids = counting(np.random.default_rng(0))

    def gradient(dtype: str, scale: float) -> np.ndarray:
        model = DecoderOnly(7, dtype=dtype, **SIZE)
        small = lambda m, batch, rng: _shrunk(m, batch, rng, 1e-6)  # noqa: E731
        if dtype == "float32":
            small(model, ids, None)
            return np.concatenate([p.grad.reshape(-1) for p in model.parameters().values()])
        optimizer = MixedPrecision(model, AdamW, LossScale(scale, interval=None))
        scaled_loss(small, optimizer)(model, ids, np.random.default_rng(0))
        assert optimizer.collect()
        return optimizer.parameters.grad.copy()

    true = gradient("float32", 1.0)
    there = abs(true) > 1e-10
    lost = {scale: float((gradient("float16", scale)[there] == 0).mean()) for scale in (1.0, 2.0**15)}
    assert lost[1.0] > 0.5 and lost[2.0**15] < 0.05
    error = np.linalg.norm(gradient("float16", 2.0**15) - true) / np.linalg.norm(true)
    assert error < 0.01 < np.linalg.norm(gradient("float16", 1.0) - true) / np.linalg.norm(true)


def _shrunk(model: Any, batch: np.ndarray, rng: Any, factor: float) -> LossValue:
    class Shrunk:
        def forward(self, *inputs: Any, **named: Any) -> Any:
            return model.forward(*inputs, **named)

        def backward(self, dlogits: np.ndarray, cache: Any) -> None:
            model.backward(dlogits * np.float32(factor), cache)

    return next_token_loss()(Shrunk(), batch, rng)  # type: ignore[arg-type]


def test_a_step_that_overflows_is_skipped_and_the_scale_halved():
    model, optimizer = model_and_optimizer(LossScale(2.0**30))
    before = optimizer.parameters.value.copy()
    first, *_ = run(model, optimizer, 1)
    assert (first.learning_rate, first.grad_norm) == (0.0, math.inf)
    assert optimizer.scale.value == 2.0**29 and optimizer.skipped == 1
    assert np.array_equal(optimizer.parameters.value, before) and optimizer.inner.steps == 0
    records = run(model, optimizer, 30, start=1)
    taken = [record for record in records if record.learning_rate]
    assert taken and optimizer.inner.steps == len(taken) and optimizer.steps == 30
    assert records.index(taken[0]) == optimizer.skipped - 1 and math.isfinite(taken[0].grad_norm)


def test_the_scale_doubles_after_so_many_good_steps_in_a_row():
    model, optimizer = model_and_optimizer(LossScale(8.0, interval=3))
    scales = []
    for _ in train(model, counting, scaled_loss(next_token_loss(), optimizer), optimizer, RATE, 7):
        scales.append(optimizer.scale.value)
    assert scales == [8, 8, 16, 16, 16, 32, 32]
    scale = LossScale(8.0, interval=2)
    scale.succeeded()
    assert scale.overflowed() and (scale.value, scale.good_steps) == (4.0, 0)


def test_the_scale_falls_to_the_smallest_and_no_further():
    scale = LossScale(8.0, smallest=3.0)
    assert scale.overflowed() and scale.value == 4.0
    assert scale.overflowed() and scale.value == 3.0
    assert not scale.overflowed() and scale.value == 3.0


def test_a_static_scale_stays():
    model, optimizer = model_and_optimizer(LossScale(1024.0, interval=None))
    run(model, optimizer, 5)
    assert optimizer.scale.value == 1024.0 and optimizer.skipped == 0


@pytest.mark.parametrize("scale", [LossScale(2.0**30, interval=None), LossScale(4.0)])
def test_an_overflow_that_no_scaling_can_mend_ends_the_run(scale):
    model, optimizer = model_and_optimizer(scale)
    if scale.interval is not None:
        model.embedding.table.value[...] = 6e4  # activations beyond 65504, at any scale
    with pytest.raises(TrainingDiverged):
        run(model, optimizer, 50)


def test_numbers_beyond_65504_are_infinite_in_float16():
    with np.errstate(over="ignore"):
        assert np.isinf(np.float16(65504) * np.float16(2)) and np.isinf(np.float32(65520).astype("float16"))
    assert np.float32(1e-8).astype("float16") == 0 and np.float32(6e-8).astype("float16") > 0


def test_the_scale_is_divided_out_again_so_the_gradient_is_that_of_float32_to_float16s_digits():
    ids, norms = counting(np.random.default_rng(0)), []
    wide = DecoderOnly(7, dtype="float32", **SIZE)
    next_token_loss()(wide, ids, np.random.default_rng(0))
    true = np.concatenate([p.grad.reshape(-1) for p in wide.parameters().values()])
    for scale in (2.0**6, 2.0**10):
        model, optimizer = model_and_optimizer(LossScale(scale))
        scaled_loss(next_token_loss(), optimizer)(model, ids, np.random.default_rng(0))
        optimizer.collect()
        norms.append(np.linalg.norm(optimizer.parameters.grad - true) / np.linalg.norm(true))
    assert max(norms) < 0.01


def test_parts_are_summed_in_float32():
    model, optimizer = model_and_optimizer(LossScale(256.0))
    ids = counting(np.random.default_rng(0))
    scaled_loss(next_token_loss(), optimizer)(model, ids, np.random.default_rng(0))
    whole = optimizer.half.grad.copy()
    model.zero_grad()
    accumulated(scaled_loss(next_token_loss(), optimizer), 2)(model, ids, np.random.default_rng(0))
    assert np.linalg.norm((optimizer.half.grad - whole).astype("f4")) < 0.01 * np.linalg.norm(whole.astype("f4"))


def test_it_learns_what_float32_learns():
    model, optimizer = model_and_optimizer()
    losses = [record.loss for record in run(model, optimizer, 60)]
    wide = DecoderOnly(7, dtype="float32", **SIZE)
    plain = [r.loss for r in train(wide, counting, next_token_loss(), AdamW(wide), RATE, 60)]
    assert losses[-1] < 0.2 * losses[0] and losses[-1] == pytest.approx(plain[-1], abs=0.1)


def test_a_resumed_run_ends_with_the_same_bits(tmp_path):
    whole, whole_optimizer = model_and_optimizer(LossScale(2.0**18, interval=4))
    run(whole, whole_optimizer, 9)
    first, first_optimizer = model_and_optimizer(LossScale(2.0**18, interval=4))
    run(first, first_optimizer, 5)
    save_checkpoint(tmp_path / "run.npz", first, first_optimizer, 0, {})
    second, second_optimizer = model_and_optimizer(LossScale(2.0**18, interval=4), seed=9)
    steps, seed, _ = load_checkpoint(tmp_path / "run.npz", second, second_optimizer)
    assert steps == 5
    run(second, second_optimizer, 9, start=steps, seed=seed)
    assert np.array_equal(second_optimizer.parameters.value, whole_optimizer.parameters.value)
    assert np.array_equal(second_optimizer.half.value, whole_optimizer.half.value)
    assert second_optimizer.scale == whole_optimizer.scale and second_optimizer.skipped == whole_optimizer.skipped


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="float16"):
        MixedPrecision(Linear(2, 2, np.random.default_rng(0)), SGD)
    for wrong in ({"value": 0.0}, {"factor": 1.0}, {"value": 0.5, "smallest": 1.0}):
        with pytest.raises(ValueError, match="makes no sense"):
            LossScale(**wrong)
    _, optimizer = model_and_optimizer()
    with pytest.raises(ValueError, match="keeps"):
        optimizer.load_state(AdamW(DecoderOnly(7, **SIZE)).state())


def test_on_the_device_a_step_waits_once_to_see_whether_it_overflowed():
    flat = on_the_device(flatten(Linear(3, 4, np.random.default_rng(0), dtype="float16")))
    optimizer = MixedPrecision(flat, AdamW, LossScale(4.0))
    waits = synced.count
    for value in (1.0, math.inf, 2.0):
        flat.grad[...] = value
        if optimizer.collect():
            optimizer.step(0.1)
    assert synced.count == waits + 3
    assert (optimizer.skipped, optimizer.inner.steps, optimizer.scale.value) == (1, 2, 2.0)
    assert isinstance(flat.value, StrictArray) and flat.value.dtype == "float16"


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh"])
def test_the_default_activation_trains_as_well_as_its_approximation(activation):
    """Pre-activations of size 4 are everyday, and there the polynomials behind the exact GELU leave float16."""
    model = DecoderOnly(7, dtype="float16", seed=0, **{**SIZE, "activation": activation, "d_ff": 64, "n_layers": 2})
    optimizer = MixedPrecision(model, AdamW, LossScale(2.0**10, interval=50))
    losses = [record.loss for record in run(model, optimizer, 150)]
    assert all(map(math.isfinite, losses)) and optimizer.skipped <= 10
    assert losses[-1] < 0.05 * losses[0]
