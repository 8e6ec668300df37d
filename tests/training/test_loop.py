"""The training loop: deterministic, stoppable, resumable, and honest when it fails."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.io.checkpoint import load_checkpoint, save_checkpoint
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.optim import AdamW, clip_by_value
from tfx.schedule import constant
from tfx.train import (
    LabelledBatch,
    LossValue,
    PairBatch,
    TrainingDiverged,
    labelling_loss,
    next_token_loss,
    train,
    translation_loss,
)

RATE = partial(constant, learning_rate=0.01)
SIZE: dict[str, Any] = {"d_model": 8, "n_heads": 2, "d_ff": 8, "n_layers": 1, "dropout": 0.2}


def language_batch(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(7, size=(4, 6))


def start(seed: int = 0) -> tuple[DecoderOnly, AdamW]:
    model = DecoderOnly(7, seed=seed, **SIZE)
    return model, AdamW(model)


def run(model: Any, optimizer: AdamW, steps: int, **options: Any) -> list[Any]:
    return list(train(model, language_batch, next_token_loss(), optimizer, RATE, steps, **options))


def test_equal_seeds_give_the_same_bits_and_other_seeds_do_not():
    outcomes = []
    for seed in (1, 1, 2):
        model, optimizer = start()
        records = run(model, optimizer, 5, seed=seed)
        outcomes.append(([record[:5] for record in records], optimizer.parameters.value))
    assert outcomes[0][0] == outcomes[1][0] != outcomes[2][0]
    assert np.array_equal(outcomes[0][1], outcomes[1][1])


def test_a_record_tells_step_loss_rate_norm_tokens_and_time():
    records = run(*start(), 3)
    assert [record.step for record in records] == [1, 2, 3]
    assert all(record.tokens == 4 * 5 and record.learning_rate == 0.01 for record in records)
    assert all(record.seconds > 0 and record.grad_norm > 0 for record in records)
    assert records[0].loss == pytest.approx(math.log(7), abs=2.0)


def test_the_gradient_is_clipped_to_the_global_norm_and_the_record_tells_the_norm_before():
    model, optimizer = start()
    record = run(model, optimizer, 1, clip=0.01)[0]
    assert record.grad_norm > 0.01
    assert np.linalg.norm(optimizer.parameters.grad.astype("float64")) == pytest.approx(0.01, rel=1e-5)


def test_any_function_that_returns_the_norm_before_can_clip():
    model, optimizer = start()
    record = run(model, optimizer, 1, clip=partial(clip_by_value, limit=1e-3))[0]
    assert record.grad_norm > 0.01
    assert abs(optimizer.parameters.grad).max() == np.float32(1e-3)


def test_closing_the_generator_leaves_a_whole_model_at_the_last_step_it_told():
    model, optimizer = start()
    steps = train(model, language_batch, next_token_loss(), optimizer, RATE, 1000)
    for record in steps:
        if record.step == 3:
            steps.close()
    reference, reference_optimizer = start()
    run(reference, reference_optimizer, 3)
    assert optimizer.steps == 3
    assert np.array_equal(optimizer.parameters.value, reference_optimizer.parameters.value)


def test_a_resumed_run_ends_with_the_same_bits_as_one_never_stopped(tmp_path):
    whole, whole_optimizer = start()
    whole_records = run(whole, whole_optimizer, 8, seed=5)
    first, first_optimizer = start()
    run(first, first_optimizer, 3, seed=5)
    save_checkpoint(tmp_path / "run.npz", first, first_optimizer, 5, {"note": "third step"})
    second, second_optimizer = start(seed=99)  # other first values: the file has to bring everything
    steps, seed, meta = load_checkpoint(tmp_path / "run.npz", second, second_optimizer)
    assert (steps, seed, meta) == (3, 5, {"note": "third step"})
    records = run(second, second_optimizer, 8, seed=seed, start=steps)
    assert [record[:5] for record in records] == [record[:5] for record in whole_records[3:]]
    assert np.array_equal(second_optimizer.parameters.value, whole_optimizer.parameters.value)


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_a_loss_or_gradient_that_is_not_finite_stops_training_before_the_parameters_change(broken):
    model, optimizer = start()
    before = optimizer.parameters.value.copy()

    def loss(model: DecoderOnly, batch: Any, rng: Any) -> LossValue:
        if broken == "gradient":
            optimizer.parameters.grad[3] = math.inf
        return LossValue(math.nan if broken == "loss" else 1.0, 1)

    with pytest.raises(TrainingDiverged, match="step 1") as caught:
        list(train(model, language_batch, loss, optimizer, RATE, 5))
    assert "learning rate" in caught.value.hint
    assert np.array_equal(optimizer.parameters.value, before)


IDS = np.random.default_rng(0).integers(7, size=(3, 6))
LENGTHS = np.array([6, 2, 4])
LOSSES: list[tuple[Any, Any, Callable[..., Any], int]] = [
    (Encoder, LabelledBatch(IDS, IDS[:, ::-1].copy()), labelling_loss, 18),
    (Encoder, LabelledBatch(IDS, IDS[:, ::-1].copy(), LENGTHS), labelling_loss, 12),
    (DecoderOnly, IDS, next_token_loss, 15),
    (EncoderDecoder, PairBatch(IDS, IDS), translation_loss, 15),
    (EncoderDecoder, PairBatch(IDS, IDS, LENGTHS, LENGTHS), translation_loss, 9),
]


@pytest.mark.parametrize(("kind", "batch", "make_loss", "tokens"), LOSSES)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_loss_is_the_mean_over_the_real_tokens_and_fills_every_gradient(kind, batch, make_loss, tokens, smoothing):
    model = kind(7, **SIZE | {"dropout": 0.0, "dtype": "float64"})
    value, counted = make_loss(smoothing)(model, batch, np.random.default_rng(0))
    assert counted == tokens
    expected = []
    for row in range(3):  # every row on its own, cut to its length: no padding, no keep mask
        if kind is Encoder:
            length = 6 if batch.lengths is None else batch.lengths[row]
            logits, _ = model.forward(batch.ids[row : row + 1, :length])
            targets = batch.targets[row : row + 1, :length]
        elif kind is DecoderOnly:
            logits, _ = model.forward(batch[row : row + 1, :-1])
            targets = batch[row : row + 1, 1:]
        else:
            length = 6 if batch.tgt_lengths is None else batch.tgt_lengths[row]
            tgt = batch.tgt[row : row + 1, :length]
            logits, _ = model.forward(batch.src[row : row + 1, :length], tgt[:, :-1])
            targets = tgt[:, 1:]
        expected += cross_entropy_forward(logits, targets, smoothing)[1].token_losses.ravel().tolist()
    assert len(expected) == tokens
    assert value == pytest.approx(np.mean(expected), rel=1e-12)
    silent = [name for name, p in model.parameters().items() if not p.grad.any() and not name.endswith("key.b")]
    assert silent == []  # a key's bias moves all scores of a row alike, and softmax does not notice
