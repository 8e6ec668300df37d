"""Numbers for the quiz on schedules: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.rate_over_time import stationary
from tfx.schedule import noam, warmup_cosine, warmup_linear


@told_apart
def largest_rate(rng: np.random.Generator) -> NumberCase:
    """The peak of the first Transformer's schedule."""
    c, warmup = int(rng.choice([256, 512, 768, 1024])), int(rng.choice([1000, 2000, 4000, 8000]))
    peak = noam(warmup, c, warmup)
    wrong = (
        Wrong(1 / math.sqrt(c), "warm-up forgotten", "The rate is also divided by the root of the steps."),
        Wrong(1 / math.sqrt(warmup), "width forgotten", "The root of the width divides it as well."),
        Wrong(1 / (c * warmup), "root forgotten", "Both powers are -1/2."),
        Wrong(noam(1, c, warmup), "first step for peak", "That is the first rate; it rises until the warm-up ends."),
    )
    return NumberCase({"c": c, "warmup": warmup}, peak, wrong, 0.02)


@told_apart
def after_the_peak(rng: np.random.Generator) -> NumberCase:
    """The first Transformer's rate at two steps, one in the warm-up and one behind it, as a ratio."""
    warmup, down, up = int(rng.choice([1000, 2000, 4000])), int(rng.choice([2, 4, 5])), int(rng.choice([4, 9, 16]))
    early, late = warmup // down, up * warmup
    ratio = noam(early, 512, warmup) / noam(late, 512, warmup)
    wrong = (
        Wrong(math.sqrt(late / early), "inverse root from the start", "Until the warm-up ends the rate rises in a straight line."),
        Wrong(early / late, "straight line for ever", "Behind the warm-up the rate falls as 1 / sqrt(step)."),
        Wrong(1 / ratio, "ratio the other way", "Asked is the early rate over the late one."),
        Wrong(math.sqrt(up), "flat warm-up", "That is T5's; here the early rate is below the peak."),
    )  # fmt: skip
    return NumberCase({"warmup": warmup, "early": early, "late": late}, ratio, wrong, 0.02)


@told_apart
def of_a_cosine(rng: np.random.Generator) -> NumberCase:
    """A cosine with a floor, some way down."""
    warmup, total = 1000, 1000 + 12_000
    part = int(rng.choice([3, 4, 6, 9]))
    step, floor = warmup + part * 1000, float(rng.choice([0.0, 0.1, 0.2]))
    rate = warmup_cosine(step, 1.0, warmup, total, floor)
    wrong = (
        Wrong(warmup_linear(step, 1.0, warmup, total, floor), "linear for cosine", "A cosine falls slowly at first, and slowly at the end."),
        Wrong(warmup_cosine(step, 1.0, 0, total, floor), "warm-up counted as decay", "The cosine begins where the warm-up ends."),
        Wrong(floor + (1 - floor) * math.cos(math.pi / 2 * part / 12), "quarter of a wave", "It goes down half a wave, from 1 to -1, lifted and halved."),
    )  # fmt: skip
    return NumberCase({"step": step, "floor": f"{floor:g}"}, rate, wrong, 0.01)


@told_apart
def at_rest(rng: np.random.Generator) -> NumberCase:
    """Where a noisy descent comes to rest."""
    rate = float(rng.choice([0.02, 0.05, 0.2, 0.4, 0.5, 0.8]))
    wrong = (
        Wrong(0.0, "no noise", "Every step adds new noise."),
        Wrong(rate**2, "noise of one step", "Earlier noise is still there, a little less of it after each step."),
        Wrong(rate, "half of the pull", "v = (1 - rate)^2 v + rate^2 gives a 2 - rate below."),
        Wrong(1.0, "variance of the noise itself", "Only a share of it enters x."),
    )
    return NumberCase({"rate": f"{rate:g}"}, stationary(rate), wrong, 0.02)
