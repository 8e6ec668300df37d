"""A small network that learns noisy points by their labels, or by what a larger one, its teacher, thinks of them.

The teacher has learned from many points whose labels are noisy, too, so that its probabilities average the noise; both
students see the same few, begin alike, and are asked for points with clean labels.
Source: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from tfx.lab.training.points import Blobs, Perceptron, Points, drawn_from, fit, judge
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward
from tfx.optim import Adam
from tfx.schedule import constant
from tfx.train.loop import LossValue, train

WIDTH, CLASSES, RATE, TEACHER_STEPS, ASKED = 16, 10, 0.01, 150, 2000
TEACHER, STUDENT = 64, 16  # hidden units


class Taught(NamedTuple):
    """Shares of new points that are right."""

    labels: float
    teacher_taught: float
    teacher: float


def taught(points: int, noise: float, temperature: float, steps: int, seed: int) -> Taught:
    """points: that the students learn from; noise: share of labels that are wrong."""
    blobs = Blobs(CLASSES, WIDTH, noise=noise, seed=(seed,))
    known = blobs.draw(points, np.random.default_rng((seed, 1)))
    new = replace(blobs, noise=0.0).draw(ASKED, np.random.default_rng((seed, 4)))
    teacher = _teacher(noise, seed)
    right = []
    for soft in (False, True):
        student = Perceptron(WIDTH, STUDENT, CLASSES, np.random.default_rng((seed, 2)))
        if soft:
            loss = _by(teacher, temperature)
            rate = partial(constant, learning_rate=RATE)
            for _ in train(student, drawn_from(known), loss, Adam(student), rate, steps, None, seed):
                pass
        else:
            fit(student, Adam(student), drawn_from(known), steps, RATE, seed)
        right.append(judge(student, new).accuracy)
    return Taught(right[0], right[1], judge(teacher, new).accuracy)


@lru_cache(maxsize=16)
def _teacher(noise: float, seed: int) -> Perceptron:
    teacher = Perceptron(WIDTH, TEACHER, CLASSES, np.random.default_rng((seed, 3)))
    blobs = Blobs(CLASSES, WIDTH, noise=noise, seed=(seed,))
    fit(teacher, Adam(teacher), partial(blobs.draw, 64), TEACHER_STEPS, RATE, seed)
    return teacher


def _by(teacher: Perceptron, temperature: float) -> Any:
    """The loss of a student that is told the teacher's probabilities, and no labels."""

    def loss(student: Perceptron, some: Points, rng: Any) -> LossValue:
        logits, cache = student.forward(some.x)
        value, soft = distillation_loss_forward(logits, teacher.forward(some.x)[0], temperature)
        student.backward(distillation_loss_backward(1.0, soft), cache)
        return LossValue(float(value), len(some.x))

    return loss
