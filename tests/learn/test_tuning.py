"""A model is trained on task A, and each method tunes it on task B: each learns, and the frozen model stays at chance.

Task A has an instruction as its first token: COPY, or CHANGE (the next symbol; in the slow version, the sequence from
back to front).  In task B that token is one the model has never been trained on, and always means CHANGE.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from tfx.data.toys.tasks import held_out_sequences, training_sequences
from tfx.models import Encoder
from tfx.optim import (
    SGD,
    Adafactor,
    AdamW,
    GroupedOptimizer,
    Lion,
    depth_of,
    gradual_unfreezing,
    layerwise_decay,
    product_of,
)
from tfx.schedule import warmup_cosine
from tfx.train import LabelledBatch, distilled_labelling_loss, labelling_loss, rehearsed, train
from tfx.tuning import OnFeatures, Part, add_adapters, add_lora, add_prefixes, add_prompt
from tfx.tuning.part import is_offset

V, T, BATCH = 6, 4, 32
COPY, CHANGE, UNKNOWN = V, V + 1, V + 2
RNG = np.random.default_rng
QUICK: dict[str, Any] = {"d_model": 16, "n_heads": 4, "d_ff": 32, "n_layers": 1}
FULL: dict[str, Any] = {"d_model": 24, "n_heads": 4, "d_ff": 48, "n_layers": 2, "seed": 1}


def next_symbol(ids: np.ndarray) -> np.ndarray:
    return (ids + 1) % V


def backwards(ids: np.ndarray) -> np.ndarray:
    return ids[:, ::-1]


def after(first: Any, ids: np.ndarray) -> np.ndarray:
    """The instruction, then the symbols."""
    return np.concatenate((np.broadcast_to(np.asarray(first), len(ids))[:, None], ids), axis=1)


def task_a(rng: np.random.Generator, change: Any = next_symbol) -> LabelledBatch:
    ids, changes = training_sequences(rng, BATCH, T, V), rng.random(BATCH) < 0.5
    first = np.where(changes, CHANGE, COPY)
    return LabelledBatch(after(first, ids), after(first, np.where(changes[:, None], change(ids), ids)))


def task_b(rng: np.random.Generator, change: Any = next_symbol) -> LabelledBatch:
    ids = training_sequences(rng, BATCH, T, V)
    return LabelledBatch(after(UNKNOWN, ids), after(CHANGE, change(ids)))


def accuracy(model: Any, first: int, change: Any = next_symbol) -> float:
    """The share of held-out sequences that are right at every place."""
    ids = held_out_sequences(RNG(9), 40, T, V)
    wanted = ids if first == COPY else change(ids)
    return float((model.forward(after(first, ids))[0].argmax(axis=-1)[:, 1:] == wanted).all(axis=1).mean())


def fit(model: Any, optimizer: Any, batches: Any, steps: int, rate: float, loss: Any = None) -> None:
    schedule = partial(warmup_cosine, peak=rate, warmup=10, total=steps)
    for _ in train(model, batches, labelling_loss() if loss is None else loss, optimizer, schedule, steps):
        pass


def new_model(full: bool = False) -> Encoder:
    return Encoder(V + 3, activation="relu", tied=False, **(FULL if full else QUICK))


@cache
def state_after_task_a(full: bool = False) -> dict[str, np.ndarray]:
    model = new_model(full)
    fit(model, AdamW(model), partial(task_a, change=backwards) if full else task_a, 600 if full else 120, 6e-3)
    return model.state()


def trained_model(full: bool = False) -> Encoder:
    model = new_model(full)
    model.load_state(state_after_task_a(full))
    return model


#: How to get the part that is tuned, and its peak learning rate.
METHODS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "everything": (lambda model: model, 3e-3),
    "head": (lambda model: Part(model, lambda name: name.startswith("output.")), 1e-2),
    "offsets": (lambda model: Part(model, is_offset), 2e-2),
    "lora": (lambda model: add_lora(model, 2, RNG(0), alpha=4.0), 1e-2),
    "adapters": (lambda model: add_adapters(model, 4, RNG(0)), 1e-2),
    "prefixes": (lambda model: add_prefixes(model, 4, RNG(0)), 3e-2),
    "prompt": (
        lambda model: add_prompt(model, 8, RNG(0), causal=False),
        2e-2,
    ),  # 4 tokens are too few
}


def test_before_tuning_the_model_knows_task_a_and_not_task_b():
    model = trained_model()
    assert accuracy(model, COPY) == accuracy(model, CHANGE) == 1.0
    assert accuracy(model, UNKNOWN) < 0.2


@pytest.mark.parametrize("method", METHODS)
def test_each_method_learns_task_b(method):
    model, (put, rate) = trained_model(), METHODS[method]
    part = put(model)
    assert method == "everything" or part.n_parameters < 0.15 * new_model().n_parameters
    fit(model, AdamW(part), task_b, 140, rate)
    assert accuracy(model, UNKNOWN) > 0.8


@pytest.mark.parametrize("method", ["lora", "adapters", "prefixes", "prompt"])
def test_with_a_rate_of_zero_the_method_alone_does_not_know_task_b(method):
    """The control: what was put in does not bring the answer, and neither do dropout, order or the loop."""
    model, (put, _) = trained_model(), METHODS[method]
    fit(model, AdamW(put(model)), task_b, 10, 0.0)
    assert accuracy(model, UNKNOWN) < 0.3


@pytest.mark.parametrize("method", ["lora", "adapters", "prefixes", "prompt"])
def test_taken_out_again_the_model_knows_task_a_as_before_to_the_bit(method):
    model, (put, rate) = trained_model(), METHODS[method]
    part = put(model)
    fit(model, AdamW(part), task_b, 20, rate)
    part.remove()
    assert all(np.array_equal(value, state_after_task_a()[name]) for name, value in model.state().items())


def test_a_head_on_fixed_features_learns_task_b():
    model = trained_model()
    head = OnFeatures(model, QUICK["d_model"], V + 3, RNG(0))
    fit(head, AdamW(head), task_b, 150, 2e-2)
    assert accuracy(head, UNKNOWN) > 0.8
    assert all(np.array_equal(value, state_after_task_a()[name]) for name, value in model.state().items())


def test_tuning_everything_forgets_task_a_and_rehearsal_remembers_it():
    forgets, remembers = trained_model(), trained_model()
    fit(forgets, AdamW(forgets), task_b, 100, 3e-3)
    fit(remembers, AdamW(remembers), rehearsed(task_b, task_a, share=0.3), 150, 3e-3)
    assert accuracy(forgets, UNKNOWN) > 0.9 and accuracy(forgets, COPY) < 0.3
    assert accuracy(remembers, UNKNOWN) > 0.9 and accuracy(remembers, COPY) > 0.9


def test_rehearsal_draws_its_share():
    old = rehearsed(lambda rng: 0, lambda rng: 1, 0.25)
    assert np.mean([old(rng) for rng in [RNG(0)] for _ in range(2000)]) == pytest.approx(0.25, abs=0.04)
    assert rehearsed(lambda rng: 0, lambda rng: 1, 0.0)(RNG(0)) == 0
    with pytest.raises(ValueError, match="share of the old task"):
        rehearsed(task_b, task_a, 1.5)


def test_unfreezing_from_the_top_with_falling_rates_learns_task_b():
    model = trained_model()
    factor = product_of(gradual_unfreezing(20, top=2), layerwise_decay(0.7, top=2))
    fit(model, GroupedOptimizer(model, AdamW, depth_of(model), factor), task_b, 100, 1e-2)
    assert accuracy(model, UNKNOWN) > 0.9


@pytest.mark.parametrize(
    ("make", "rate"),
    [(partial(Adafactor), 0.05), (partial(Lion, weight_decay=0.1), 2e-3), (partial(SGD, momentum=0.9), 0.1)],
    ids=["Adafactor", "Lion", "SGD"],
)
def test_each_optimiser_learns_task_a(make, rate):
    model = new_model()
    fit(model, make(model), task_a, 200, rate)
    assert accuracy(model, COPY) > 0.9 and accuracy(model, CHANGE) > 0.9


@pytest.mark.parametrize("teacher_knows", [True, False])
def test_a_student_without_labels_learns_what_its_teacher_knows_and_nothing_else(teacher_knows):
    teacher = trained_model() if teacher_knows else new_model()
    student = Encoder(V + 3, d_model=12, n_heads=2, d_ff=16, n_layers=1, activation="relu", tied=False, seed=4)
    no_labels = np.full((BATCH, T + 1), -1)
    loss = distilled_labelling_loss(teacher, temperature=2.0)
    fit(student, AdamW(student), lambda rng: task_a(rng)._replace(targets=no_labels), 180, 1.5e-2, loss)
    learnt = min(accuracy(student, COPY), accuracy(student, CHANGE))
    assert learnt > 0.9 if teacher_knows else learnt < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_each_method_learns_to_write_backwards_in_task_b(method):
    """The head alone cannot: it sees one place, and the answer stands in another."""
    model, (put, rate) = trained_model(full=True), METHODS[method]
    assert accuracy(model, COPY) > 0.95 and accuracy(model, CHANGE, backwards) > 0.95
    assert accuracy(model, UNKNOWN, backwards) < 0.2
    part = put(model)
    fit(model, AdamW(part), partial(task_b, change=backwards), 800, rate)
    learnt = accuracy(model, UNKNOWN, backwards)
    assert learnt < 0.5 if method == "head" else learnt > 0.85
