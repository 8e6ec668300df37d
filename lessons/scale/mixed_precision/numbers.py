"""Numbers for the quiz on mixed precision: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.loss_scaling import laws, to_half
from tfx.ops.small_numbers.bfloat16 import round_to_bfloat16


@told_apart
def becomes_zero(rng: np.random.Generator) -> NumberCase:
    """The share of evenly spread gradients that float16 makes 0."""
    low, high = float(rng.integers(-14, -10)), float(rng.integers(-4, 0))
    power = int(rng.choice([0, 3, 6]))
    share, _ = laws(power, low, high)
    wrong = (
        Wrong((math.log10(2.0**-14) - low) / (high - low), "smallest normal for smallest", "Below 6.1e-5 digits get lost, and 0 begins only at 2^-25."),
        Wrong(1 - share, "kept for lost", "That is the share that stays."),
        Wrong((math.log10(2.0**-25 * 2**power) - low) / (high - low) if power else 0.0, "scale the wrong way", "A scale moves the gradients up, so fewer are lost."),
    )  # fmt: skip
    values = {"low": f"{low:g}", "high": f"{high:g}", "scale": 2**power, "log": f"{-25 * math.log10(2):.3f}", "up": f"{power * math.log10(2):.3f}"}  # fmt: skip
    return NumberCase(values, share, wrong, 0.02)


@told_apart
def largest_scale(rng: np.random.Generator) -> NumberCase:
    """The largest power of two that a gradient bears."""
    largest = float(rng.choice([0.3, 0.7, 1.5, 3.0, 6.0, 12.0, 50.0]))
    power = next(n for n in range(30, -1, -1) if np.isfinite(to_half(np.array(largest * 2.0**n))))
    wrong = (
        Wrong(2.0 ** (power + 1), "one power too many", "That product is larger than what float16 holds."),
        Wrong(2.0**15, "usual first scale", "Training often begins there; a large gradient brings it down, a small one up."),
    )  # fmt: skip
    return NumberCase({"largest": f"{largest:g}"}, 2.0**power, wrong, 0.0)


@told_apart
def dynamic_scale(rng: np.random.Generator) -> NumberCase:
    """The scale after some overflows and good steps."""
    first, overflows, good = int(rng.integers(12, 17)), int(rng.integers(2, 5)), int(rng.integers(1, 4))
    every = int(rng.choice([1000, 2000]))
    answer = 2.0 ** (first - overflows + good)
    wrong = (
        Wrong(2.0 ** (first + overflows - good), "halved for doubled", "Overflow means too large, so the scale is halved."),
        Wrong(2.0 ** (first - overflows), "good steps forgotten", "After each run of good steps it is doubled again."),
        Wrong(2.0**first, "scale that stays", "That is static scaling."),
    )  # fmt: skip
    values = {"first": 2**first, "overflows": overflows, "every": every, "good": good * every, "times": good}
    return NumberCase(values, answer, wrong, 0.0)


@told_apart
def small_update(rng: np.random.Generator) -> NumberCase:
    """A bfloat16 weight behind one update."""
    weight = float(rng.choice([1.0, 2.0, 4.0, 8.0]))
    update = weight * float(rng.choice([2.0**-6, 2.0**-7, 2.0**-9, 2.0**-10, 3 * 2.0**-11]))
    answer = float(round_to_bfloat16(np.array(weight + update)))
    step = weight * 2.0**-7
    wrong = (
        Wrong(weight + update if update < step else weight, "exact sum" if update < step else "update lost", "The nearest bfloat16 is taken: the next one up is 2^-7 of the weight away."),
        Wrong(weight + 2 * step, "rounded up to the next but one", "The nearest of the two neighbours is taken."),
    )  # fmt: skip
    return NumberCase({"weight": f"{weight:g}", "update": f"{update:.8g}", "step": f"{step:g}"}, answer, wrong, 2e-4)


@told_apart
def bytes_of_training(rng: np.random.Generator) -> NumberCase:
    """Bytes for a parameter with some optimizer."""
    name, kept = (("SGD with momentum", 1), ("AdamW", 2))[rng.integers(2)]
    millions = int(rng.choice([50, 120, 350, 700]))
    wrong = (
        Wrong(float((2 + 2 + 4 * kept) * millions), "copy forgotten", "A float32 copy of the weights stands beside them."),
        Wrong(float((2 + 2 + 2 * kept) * millions), "half precision throughout", "The copy and the averages are float32."),
        Wrong(float(2 * millions), "weights alone", "Gradients, copy and averages stand beside the weights."),
    )  # fmt: skip
    values = {"name": name, "kept": kept, "millions": millions}
    return NumberCase(values, float((2 + 2 + 4 + 4 * kept) * millions), wrong, 0.0)
