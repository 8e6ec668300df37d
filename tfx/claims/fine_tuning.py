"""Claims about what is passed on and what is lost: rates by layer, distillation, forgetting."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.lab.training.points import Blobs, Perceptron, Points, drawn_from, fit, judge, points_loss
from tfx.measure.verdicts import at_least, at_most, exactly, within
from tfx.models import Encoder
from tfx.nn.linear import Linear
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.optim import Adam, GroupedOptimizer, depth_of, layerwise_decay
from tfx.schedule import constant
from tfx.train.loop import LossValue, train
from tfx.train.losses import LabelledBatch, labelling_loss
from tfx.train.rehearsal import rehearsed

SECTION = "Training and optimisation"


@functools.lru_cache(maxsize=8)
def drift(trial: Trial, decay: float, steps: int) -> float:
    """|w - w0| / |w0| of the lowest block of three after so many steps on a new task, `decay` from layer to layer."""
    model = Encoder(8, 16, 2, 32, 3, tied=False, activation="relu", seed=trial.seed)
    block = model.stack.blocks[0]
    before = {name: parameter.value.copy() for name, parameter in block.parameters().items()}
    optimizer = GroupedOptimizer(model, Adam, depth_of(model), layerwise_decay(decay, top=4))

    def batch(rng: np.random.Generator) -> LabelledBatch:
        ids = rng.integers(8, size=(8, 6))
        return LabelledBatch(ids, ids[:, ::-1].copy())

    for _ in train(model, batch, labelling_loss(), optimizer, functools.partial(constant, learning_rate=0.003), steps):
        pass
    moved = sum(float(((p.value - before[name]) ** 2).sum()) for name, p in block.parameters().items())
    return math.sqrt(moved / sum(float((value**2).sum()) for value in before.values()))


@claim(
    "C247", "Smaller rates for the lower layers keep what they have learnt.", where="D0:1390 D0:1392",
    verdict="holds when",
    why="training is short: the rate slows the drift and does not end it. Whether keeping is good depends on how far "
    "the new task is.",
    paper="Howard and Ruder 2018, section 3.2",
)  # fmt: skip
def lower_rates(trial: Trial) -> Evidence:
    slowed = drift(trial, 0.5, 10)
    share = slowed / drift(trial, 1.0, 10)
    yield supports(
        at_most("slower", "drift of the lowest of 3 blocks, rates halved a layer, of the plain one's", 0.5, share)
    )
    yield contradicts(
        at_least("goes-on", "... after six times the steps, times as far", 2.0, drift(trial, 0.5, 60) / slowed)
    )


def learnt_from(
    model: Perceptron, draw: Callable[[Any], Points], steps: int, seed: int, loss: Any = None
) -> Perceptron:
    """The model, after so many steps of Adam at 0.01."""
    if loss is None:
        fit(model, Adam(model), draw, steps, 0.01, seed)
        return model
    for _ in train(model, draw, loss, Adam(model), functools.partial(constant, learning_rate=0.01), steps, None, seed):
        pass
    return model


def taught_by(teacher: Perceptron, temperature: float = 2.0) -> Any:
    """The loss of a student that is told the teacher's probabilities, and no labels."""

    def loss(model: Perceptron, batch: Points, rng: np.random.Generator) -> LossValue:
        logits, cache = model.forward(batch.x)
        value, soft = distillation_loss_forward(logits, teacher.forward(batch.x)[0], temperature)
        model.backward(distillation_loss_backward(1.0, soft), cache)
        return LossValue(value, len(batch.x))

    return loss


@claim(
    "C250", "Distillation passes what a model knows on to a smaller one.", where="D0:1439 D0:1440", verdict="holds",
    why="a student of 16 units that is told a teacher's probabilities for 500 points with noisy labels is right more "
    "often than one that is told the labels.",
    experiment="distillation", paper="Hinton et al. 2015",
)  # fmt: skip
def distillation(trial: Trial) -> Evidence:
    right = []
    for n in range(2):
        rng = trial.generator(4, n)
        blobs = Blobs(noise=0.3, seed=(trial.seed, n))
        known, new = blobs.draw(500, rng), replace(blobs, noise=0.0).draw(2000, rng)
        teacher = learnt_from(Perceptron(16, 64, 10, rng), functools.partial(blobs.draw, 64), 200, n)
        first = rng.integers(2**31)
        hard, soft = (
            learnt_from(Perceptron(16, 16, 10, np.random.default_rng(first)), drawn_from(known), 300, n, loss)
            for loss in (points_loss(), taught_by(teacher))
        )
        right.append([judge(model, new).accuracy for model in (hard, soft, teacher)])
    hard_right, soft_right, teacher_right = np.mean(right, axis=0)
    yield supports(
        at_least("gain", "new points right that the teacher adds, as a share", 0.03, soft_right - hard_right)
    )
    yield within("teacher", "what the teacher is right in", soft_right, teacher_right, 0.2)


#: New points of a task, and four standard errors of a difference of two shares of so many, 1 in 2 of them right.
JUDGED = 1000
BY_CHANCE = 4 * math.sqrt(2 * 0.25 / JUDGED)


@functools.lru_cache(maxsize=16)
def after_b(trial: Trial, way: str) -> tuple[float, float, float]:
    """Right in task A before task B and after it, and in task B: two tasks with points of their own, one set of labels.

    way: "all" trains every number, "head" the last layer, "replay" all, with half of the batches from A, "own head" a
    new last layer, with the old one kept for A.
    """
    rng = trial.generator(6)
    tasks = [Blobs(5, spread=0.7, seed=(trial.seed, 7, task)) for task in range(2)]
    tests = [task.draw(JUDGED, rng) for task in tasks]
    draws = [functools.partial(task.draw, 32) for task in tasks]
    model = learnt_from(Perceptron(16, 32, 5, rng), draws[0], 150, 1)
    before, old_head = judge(model, tests[0]).accuracy, model.second
    if way == "own head":
        model.second = Linear(32, 5, rng, dtype="float64")
    frozen = way in ("head", "own head")
    optimizer = GroupedOptimizer(model, Adam, lambda name: int(name.startswith("second")), lambda g, _: g or not frozen)
    fit(model, optimizer, rehearsed(draws[1], draws[0], 0.5) if way == "replay" else draws[1], 150, 0.01, 2)
    right_b = judge(model, tests[1]).accuracy
    if way == "own head":
        model.second = old_head
    return before, judge(model, tests[0]).accuracy, right_b


@claim(
    "C256", "Fine-tuning can overwrite what was learnt before.", where="D0:1232 D0:2495 D1:704", verdict="holds",
    why="the loss of the new task says nothing of the old one.", experiment="forgetting",
    paper="McCloskey and Cohen 1989",
)  # fmt: skip
def overwrites(trial: Trial) -> Evidence:
    before, after, new = after_b(trial, "all")
    yield supports(at_least("lost", "share right in task A that task B takes away", BY_CHANCE, before - after))
    yield at_least("learnt", "right in task A before", 0.7, before)
    yield at_least("new", "right in task B", 0.7, new)


@claim(
    "C257", "Freezing layers prevents forgetting.", where="D0:1199 D0:1233", verdict="holds when",
    why="the new task has a head of its own. A shared head that is trained on other meanings of its labels forgets, "
    "though all below it is frozen; replay of old examples helps there.",
    experiment="forgetting", paper="Howard and Ruder 2018; Robins 1995",
)  # fmt: skip
def freezing(trial: Trial) -> Evidence:
    before, after, _ = after_b(trial, "own head")
    yield supports(
        exactly("own-head", "right in task A after B, with a head of its own, less before", 0.0, after - before)
    )
    before, after, _ = after_b(trial, "head")
    yield contradicts(
        at_least("shared", "what is lost when the shared head alone is trained", BY_CHANCE, before - after)
    )
    replayed = after_b(trial, "replay")[1]
    yield at_least(
        "replay",
        "right in task A after B with replay, above all trained",
        BY_CHANCE,
        replayed - after_b(trial, "all")[1],
    )
