"""Whole training steps on the strict device: the numbers of the host, and one wait a step.

A step is all of it: batch and dropout drawn on the host, forward, loss, backward, the norm of the gradient, clipping,
AdamW, buffers.  The one wait reads loss and norm together.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.strict_device import StrictArray, synced, xp
from tfx.backend import as_number, read, to_device, to_numpy
from tfx.data.facts import FactBatch
from tfx.data.fertility import Translations
from tfx.gradcheck import CASES
from tfx.models import (
    GPT,
    T5,
    Bert,
    DecoderOnly,
    DeepSupervision,
    Encoder,
    EncoderDecoder,
    NonAutoregressive,
    RetrievalReader,
    VisionTransformer,
)
from tfx.optim import SGD, Adafactor, Adagrad, AdamW, Lion, clip_by_norm, clip_by_value
from tfx.train import accumulated, labelling_loss, next_token_loss, train, translation_loss
from tfx.train.auxiliary import deep_supervision_loss, focal_labelling_loss, r_drop_loss
from tfx.train.classification import ImageBatch, classification_loss
from tfx.train.distillation import distilled_labelling_loss
from tfx.train.losses import LabelledBatch, PairBatch
from tfx.train.non_autoregressive import fertility_loss
from tfx.train.pretraining import PretrainingBatch, pretraining_loss
from tfx.train.regression import NumbersBatch, squared_error_loss
from tfx.train.retrieval import answer_loss
from tfx.train.scheduled_sampling import scheduled_sampling_loss

V, STEPS = 7, 3
RNG = np.random.default_rng(0)
IDS = RNG.integers(V, size=(3, 6))
LENGTHS = np.array([6, 2, 4])
IMAGES = RNG.standard_normal((3, 4, 4, 1))
SIZE: dict[str, Any] = {"d_model": 6, "n_heads": 2, "d_ff": 5, "n_layers": 2, "dtype": "float64"}
LABELLED = LabelledBatch(IDS, IDS[:, ::-1].copy(), LENGTHS)
PAIRS = PairBatch(IDS, IDS, LENGTHS, np.array([6, 3, 5]))


def encoder() -> Encoder:
    return Encoder(V, **SIZE, dropout=0.1)


def decoder() -> DecoderOnly:
    return DecoderOnly(V, **SIZE, dropout=0.1)


def pictures(n_outputs: int) -> VisionTransformer:
    return VisionTransformer((4, 4), 2, n_outputs, **SIZE, dropout=0.1)


#: name -> model, batch, loss, and how often a step waits for the device.
RUNS: dict[str, tuple[Any, Any, Any, int]] = {
    "labels": (encoder, LABELLED, labelling_loss(0.1), 1),
    "next token": (decoder, IDS, next_token_loss(), 1),
    "gpt": (lambda: GPT(V, **SIZE, max_len=6, dropout=0.1), IDS, next_token_loss(), 1),
    "translation": (lambda: EncoderDecoder(V, **SIZE, dropout=0.1), PAIRS, translation_loss(0.1), 1),
    "t5": (lambda: T5(V, **SIZE, dropout=0.1), PAIRS, translation_loss(), 1),
    "in parts": (encoder, LABELLED, accumulated(labelling_loss(), 2), 1),
    "focal": (encoder, LABELLED, focal_labelling_loss(), 1),
    "r-drop": (encoder, LABELLED, r_drop_loss(1.0), 1),
    "scheduled sampling, which reads its guesses": (decoder, IDS, scheduled_sampling_loss(0.5), 2),
    "classes of images": (lambda: pictures(3), ImageBatch(IMAGES, np.array([0, 2, 1])), classification_loss(), 1),
    "numbers of images": (lambda: pictures(2), NumbersBatch(IMAGES, np.ones((3, 2))), squared_error_loss(), 1),
    "every depth": (
        lambda: DeepSupervision(encoder(), np.random.default_rng(1)), LABELLED, deep_supervision_loss([0.5, 1.0]), 1,
    ),
    "gaps and next sentence": (
        lambda: Bert(V, **SIZE), PretrainingBatch(IDS, IDS % 2, LENGTHS, IDS, IDS > 2, LENGTHS % 2),
        pretraining_loss(), 1,
    ),
    "fertilities": (
        lambda: NonAutoregressive(V, **SIZE), Translations(IDS[:, :3], np.full((3, 3), 2), IDS, LENGTHS),
        fertility_loss(), 1,
    ),
    "retrieval": (
        lambda: RetrievalReader(V, **SIZE, n_retrieved=2), FactBatch(IDS[:, :3], IDS[:, :4], IDS[:, 0]),
        answer_loss(), 1,
    ),
}  # fmt: skip


#: What a model carries from one batch to the next stays where the model is; the rest of a batch comes from the host.
STATES = {"memory"}


def moved(value: Any, device: Any) -> Any:
    """The arrays of a tuple, on the device."""
    return tuple(to_device(one, device) for one in value) if isinstance(value, tuple) else to_device(value, device)


def run(model: Any, batch: Any, loss: Any, steps: int = STEPS) -> tuple[list[Any], list[int]]:
    """The records of a run, and the waits of each of its steps."""
    records, waits, before = [], [], synced.count
    for record in train(model, lambda rng: batch, loss, AdamW(model), lambda step: 0.01, steps, clip=0.5):
        records.append(record._replace(seconds=0.0))
        waits.append(synced.count - before)
        before = synced.count
    return records, waits


@pytest.mark.parametrize("name", RUNS)
def test_a_step_waits_for_its_loss_alone_and_gives_the_numbers_of_the_host(name):
    make, batch, loss, expected = RUNS[name]
    here, there = make(), make()
    there.to_device(xp)
    (want, _), (have, waits) = run(here, batch, loss), run(there, batch, loss)
    assert waits == [expected] * STEPS
    assert want[-1].loss != want[0].loss
    for one, other in zip(have, want, strict=True):
        assert isinstance(one.loss, float) and isinstance(one.grad_norm, float)
        np.testing.assert_allclose(one, other, rtol=1e-10)
    for mine, its in zip(here.parameters().values(), there.parameters().values(), strict=True):
        assert isinstance(its.value, StrictArray)
        np.testing.assert_allclose(its.value.get(), mine.value, rtol=1e-8, atol=1e-10)


def test_a_teacher_on_the_device_costs_no_further_wait():
    teachers = [Encoder(V, **SIZE, seed=1) for _ in range(2)]
    teachers[1].to_device(xp)
    here, there = encoder(), encoder()
    there.to_device(xp)
    want, _ = run(here, LABELLED, distilled_labelling_loss(teachers[0], hard=0.5))
    have, waits = run(there, LABELLED, distilled_labelling_loss(teachers[1], hard=0.5))
    assert waits == [1] * STEPS
    np.testing.assert_allclose(have, want, rtol=1e-10)


@pytest.mark.parametrize("optimizer", [AdamW, SGD, Adagrad, Adafactor, Lion])
@pytest.mark.parametrize("clip", [None, partial(clip_by_norm, limit=0.1), partial(clip_by_value, limit=0.1)])
def test_every_optimiser_and_way_to_clip_leaves_it_at_one_wait(optimizer, clip):
    losses = []
    for device in (np, xp):
        model = encoder()
        model.to_device(device)
        before = synced.count
        steps = train(
            model, lambda rng: LABELLED, labelling_loss(), optimizer(model), lambda step: 0.01, STEPS, clip=clip
        )
        losses.append([record.loss for record in steps])
        assert synced.count - before == (STEPS if device is xp else 0)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-9)


MODEL_CASES = [case for case in CASES if case.op.startswith("models.")]


@pytest.mark.parametrize("case", MODEL_CASES, ids=lambda case: f"{case.op}: {case.variant}")
def test_every_model_on_the_device_takes_a_step_from_a_batch_on_the_host(case):
    """The registry's cases: dy * y summed up is the loss, then backward, clipping and AdamW."""
    results = []
    for device in (np, xp):
        problem = case.build(np.random.default_rng(3))
        model: Any = problem.layer
        model.to_device(device)
        inputs = {**problem.inputs, **{name: one.value for name, one in model.parameters().items()}}
        fixed = {name: moved(value, device) if name in STATES else value for name, value in problem.fixed.items()}
        waits = synced.count
        y, cache = problem.forward(**inputs, **fixed)
        dy = to_device(np.random.default_rng(4).standard_normal(y.shape), device)
        problem.backward(dy, cache)
        optimizer = AdamW(model)
        loss, norm = read(as_number((dy * y).sum()), clip_by_norm(optimizer.parameters.grad, 0.5))
        optimizer.step(0.01)
        assert synced.count - waits == (1 if device is xp else 0)
        assert norm > 0.5, "there is nothing to clip"
        results.append((loss, norm, to_numpy(optimizer.parameters.value)))
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-8, atol=1e-10)
