"""Numbers for the quiz on the recipe: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward
from tfx.schedule import noam, warmup_cosine


def _logits(p: float) -> np.ndarray:
    """Two classes, of which the first is right and has p."""
    return np.array([[math.log(p / (1 - p)), 0.0]])


@told_apart
def focal_discount(rng: np.random.Generator) -> NumberCase:
    """By what focal loss multiplies cross-entropy."""
    p, gamma = float(rng.choice([0.6, 0.7, 0.75, 0.8, 0.9])), int(rng.choice([1, 2, 3]))
    loss, plain = (focal_loss_forward(_logits(p), np.array([0]), g)[0] for g in (float(gamma), 0.0))
    wrong = (
        Wrong(p**gamma, "p for 1 - p", "What is right already counts less: the factor falls as p grows."),
        Wrong(gamma * (1 - p), "factor for power", "gamma is an exponent."),
        Wrong(1.0, "cross-entropy", "That is gamma = 0."),
    )
    return NumberCase({"p": p, "gamma": gamma}, float(loss / plain), wrong, 0.01)


@told_apart
def focal_pull(rng: np.random.Generator) -> NumberCase:
    """The gradient of the right score at gamma 0, that is of cross-entropy."""
    p = float(rng.choice([0.1, 0.2, 0.3, 0.6, 0.7, 0.8]))
    _, cache = focal_loss_forward(_logits(p), np.array([0]), 0.0)
    loss, _ = cross_entropy_forward(_logits(p), np.array([0]))
    wrong = (
        Wrong(p, "target forgotten", "It is prediction minus target, and the target is 1."),
        Wrong(1 - p, "sign turned", "The right score has to rise, so its gradient is negative."),
        Wrong(float(loss), "loss for gradient", "That is -ln(p), the loss itself."),
    )
    return NumberCase({"p": p}, float(focal_loss_backward(1.0, cache)[0, 0]), wrong, 0.01)


@told_apart
def peak_of_2017(rng: np.random.Generator) -> NumberCase:
    """The peak of the schedule of the first Transformer, in thousandths."""
    width, warm = int(rng.choice([256, 512, 1024])), int(rng.choice([1000, 2000, 4000, 8000]))
    answer = 1000 * noam(warm, width, warm)
    wrong = (
        Wrong(1000 / math.sqrt(warm), "width left out", "The rate is also divided by the root of the width."),
        Wrong(1000 / math.sqrt(width), "step left out", "At the peak the step is the warm-up, and its root divides too."),
        Wrong(1000 * noam(1, width, warm), "first step", "That is the rate of the first step; the peak comes when the warm-up ends."),
    )  # fmt: skip
    return NumberCase({"width": width, "warm": warm}, answer, wrong, 0.01)


@told_apart
def training_memory(rng: np.random.Generator) -> NumberCase:
    """GB of weights, gradients and optimizer in mixed precision."""
    billions = float(rng.choice([1, 1.5, 3, 7, 13, 30, 70]))
    wrong = (
        Wrong(2 * billions, "weights alone", "Gradients, the float32 copy and both averages stand beside them."),
        Wrong(4 * billions, "optimizer forgotten", "Adam keeps two averages, and a float32 copy of the weight is kept."),
        Wrong(12 * billions, "half precision forgotten", "The weights and gradients of the passes take 2 bytes each, besides."),
    )  # fmt: skip
    return NumberCase({"billions": f"{billions:g}"}, (2 + 2 + 3 * 4) * billions, wrong, 0.01)


@told_apart
def cosine_rate(rng: np.random.Generator) -> NumberCase:
    """The rate of a step behind the warm-up, in units of the peak."""
    warm = int(rng.choice([500, 1000, 2000]))
    total, share = (
        warm + int(rng.choice([8000, 16_000, 40_000])),
        float(rng.choice([0.2, 0.25, 0.4, 0.5, 0.6, 0.75, 0.8])),
    )
    step = warm + int(share * (total - warm))
    answer = warmup_cosine(step, 1.0, warm, total, floor=0.1)
    wrong = (
        Wrong((1 + math.cos(math.pi * share)) / 2, "floor left out", "It falls to a tenth of the peak, not to 0."),
        Wrong(1.0, "warm-up goes on", "The warm-up is over at this step."),
        Wrong(0.1, "floor at once", "The floor is reached in the last step."),
        Wrong(0.1 + 0.9 * (1 + math.cos(math.pi * step / total)) / 2, "progress from the first step", "The cosine begins when the warm-up ends."),
    )  # fmt: skip
    return NumberCase({"warm": warm, "total": total, "step": step}, float(answer), wrong, 0.01)
