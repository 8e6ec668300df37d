"""Numbers for the quiz on label smoothing: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.label_smoothing import closed_lead, lowest_loss
from tfx.ops.losses.reduction import reduction_forward


def _drawn(rng: np.random.Generator) -> tuple[float, int]:
    return float(rng.choice([0.05, 0.1, 0.2, 0.3, 0.4])), int(rng.choice([4, 5, 8, 10, 20, 50]))


@told_apart
def target_of_right(rng: np.random.Generator) -> NumberCase:
    """What the right class has of the target."""
    eps, k = _drawn(rng)
    wrong = (
        Wrong(1 - eps, "smoothing to the wrong classes alone", "The right class gets its eps / K back: eps goes to all."),
        Wrong(1 - eps / k, "a share once for all of it", "The whole of eps is taken away, and eps / K comes back."),
        Wrong(1.0, "usual target", "That is the target without smoothing."),
    )  # fmt: skip
    return NumberCase({"eps": eps, "k": k}, 1 - eps + eps / k, wrong, 0.002)


@told_apart
def best_lead_of(rng: np.random.Generator) -> NumberCase:
    """By how much the right score leads at best."""
    eps, k = _drawn(rng)
    answer = closed_lead(eps, k)
    wrong = (
        Wrong(math.exp(answer), "odds for log-odds", "That is the ratio of the probabilities; scores differ by its logarithm."),
        Wrong(math.log((1 - eps) / eps), "eps as one class", "eps is dealt out to K classes, and each wrong one has eps / K."),
        Wrong(-math.log(1 - eps + eps / k), "loss for lead", "That is what the right class costs at its best probability."),
    )  # fmt: skip
    return NumberCase({"eps": eps, "k": k}, answer, wrong, 0.01)


@told_apart
def floor_of(rng: np.random.Generator) -> NumberCase:
    """The lowest loss."""
    eps, k = _drawn(rng)
    right = 1 - eps + eps / k
    wrong = (
        Wrong(0.0, "loss down to zero", "That needs a target of 1. The lowest loss is the entropy of the smoothed target."),
        Wrong(-math.log(right), "right class alone", "The smoothed loss counts the other classes as well, each with eps / K."),
        Wrong(math.log(k), "loss of a guess", "That is what K equal probabilities cost."),
    )  # fmt: skip
    return NumberCase({"eps": eps, "k": k}, lowest_loss(eps, k), wrong, 0.01)


@told_apart
def padded_batch(rng: np.random.Generator) -> NumberCase:
    """The loss of a row of tokens of which the last are padding."""
    n, pads = int(rng.integers(4, 7)), int(rng.integers(1, 3))
    losses = np.round(rng.uniform(0.6, 4.0, n), 1)
    keep = np.arange(n) < n - pads
    answer, _ = reduction_forward(np.where(keep, losses, 0), "mean", keep.sum())
    wrong = (
        Wrong(float(losses.mean()), "padding counted", "Padding has no right answer; its loss is left out."),
        Wrong(float(answer * (n - pads) / n), "divided by all tokens", "The mean is over the tokens that count."),
        Wrong(float(answer * (n - pads)), "sum for mean", "That is the sum over the tokens that count."),
    )  # fmt: skip
    values = {"losses": ", ".join(f"{x:g}" for x in losses), "pads": pads}
    return NumberCase(values, float(answer), wrong, 0.01)
