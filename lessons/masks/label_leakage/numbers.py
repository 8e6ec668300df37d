"""Numbers for the quiz on label leakage: each function counts on masks, or computes the least loss."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.label_leakage import Settings, least_loss
from tfx.measure.label_leakage import copying_entropy, sees_answer, uniform_floor


@told_apart
def places_that_see(rng: np.random.Generator) -> NumberCase:
    """Shift without mask."""
    n = int(rng.integers(6, 40))
    return NumberCase(
        {"n": n},
        float(sees_answer(False, True, n).sum()),
        (
            Wrong(float(n), "shift without an end", "The answer of the last place is no input at all."),
            Wrong(
                0.0,
                "shift alone hides answers",
                "Without a mask each place sees the next input, and that is its answer.",
            ),
            Wrong(1.0, "hidden for seen", "One place alone does NOT see its answer."),
        ),
        0.0,
    )


@told_apart
def places_with_mask(rng: np.random.Generator) -> NumberCase:
    """Mask without shift."""
    n = int(rng.integers(6, 40))
    return NumberCase(
        {"n": n},
        float(sees_answer(True, False, n).sum()),
        (
            Wrong(0.0, "mask alone stops copying", "The answer is the place's own input, and the diagonal is visible."),
            Wrong(float(n - 1), "own place blocked", "The first place sees itself as well."),
        ),
        0.0,
    )


@told_apart
def even_floor(rng: np.random.Generator) -> NumberCase:
    """log of how many tokens there are, all as frequent."""
    v = int(rng.choice([4, 8, 16, 32, 50]))
    return NumberCase(
        {"v": v},
        uniform_floor(v),
        (
            Wrong(0.0, "a good model reaches 0", "Even tokens cannot be guessed: the least loss is their entropy."),
            Wrong(1 / v, "chance for loss", "That is the chance of a right guess; the loss is minus its logarithm."),
            Wrong(math.log2(v), "bits for nats", "That is in bits; natural logarithms give nats."),
        ),
        0.02,
        "nats",
    )


@told_apart
def shift_alone(rng: np.random.Generator) -> NumberCase:
    """What a model reaches that is shifted but not masked: only the last place cannot copy."""
    v, t = int(rng.choice([4, 8, 16])), int(rng.choice([5, 6, 10]))
    settings = Settings(symbols=v, length=t)
    return NumberCase(
        {"v": v, "t": t},
        least_loss(settings, False, True),
        (
            Wrong(
                least_loss(settings, True, True),
                "shift alone hides answers",
                "All but the last place see the next input.",
            ),
            Wrong(0.0, "every place copies", "The answer of the last place is no input."),
            Wrong(
                least_loss(settings, True, True) * (t - 1) / t,
                "hidden for seen",
                "It is one place that cannot copy, not all the others.",
            ),
        ),
        0.02,
        "nats",
    )


@told_apart
def floor_of_copies(rng: np.random.Generator) -> NumberCase:
    """The entropy of the next token of a text that mostly repeats."""
    v, repeats = int(rng.choice([2, 4, 5, 10])), float(rng.choice([0.5, 0.6, 0.8, 0.9]))
    same = repeats + (1 - repeats) / v
    return NumberCase(
        {"v": v, "repeats": f"{repeats:g}"},
        copying_entropy(v, repeats),
        (
            Wrong(uniform_floor(v), "even tokens", "The one before tells a lot about the next."),
            Wrong(
                -math.log(same), "loss of the likely case alone", "The unlikely tokens have a part in the mean as well."
            ),
            Wrong(0.0, "a good model reaches 0", "Sometimes another token is drawn, and nobody can know which."),
        ),
        0.02,
        "nats",
    )
