"""Numbers for the quiz on batch size: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.batch_and_rate import best_step, steps_and_examples
from tfx.schedule import rate_for_batch


@told_apart
def noise_of(rng: np.random.Generator) -> NumberCase:
    """Noise of a larger batch, from that of a smaller one."""
    few, times, noise = (
        int(rng.choice([8, 16, 32, 64])),
        int(rng.choice([4, 9, 16, 25])),
        round(float(rng.uniform(0.5, 6)), 1),
    )
    wrong = (
        Wrong(noise / times, "variance for deviation", "The variance falls with the batch, its root with the root."),
        Wrong(noise, "noise of the mean gradient kept", "A mean over more examples is surer."),
        Wrong(noise * math.sqrt(times), "noise grows with the batch", "It is the mean gradient that does not shrink."),
    )
    return NumberCase({"few": few, "many": few * times, "noise": f"{noise:g}"}, noise / math.sqrt(times), wrong, 0.02)


@told_apart
def rate_after(rng: np.random.Generator) -> NumberCase:
    """The rate for another batch, by the rule of the optimizer."""
    name = str(rng.choice(["plain SGD, linear rule", "Adam, root rule"]))
    base, times = int(rng.choice([32, 64, 256])), int(rng.choice([4, 9, 16]))
    rate = float(rng.choice([0.0002, 0.0005, 0.001]))
    linear, root = (rate_for_batch(rate, base * times, base, power) for power in (1.0, 0.5))
    answer, other = (linear, root) if "linear" in name else (root, linear)
    wrong = (
        Wrong(other, "the other rule", "The linear rule multiplies by the batch ratio, the root rule by its root."),
        Wrong(rate, "same rate", "Less noise leaves room for longer steps."),
        Wrong(rate**2 / answer, "smaller rate for a larger batch", "The rate grows with the batch."),
    )
    return NumberCase({"name": name, "base": base, "batch": base * times, "rate": f"{rate:g}"}, answer, wrong, 0.02)


@told_apart
def weighted_parts(rng: np.random.Generator) -> NumberCase:
    """The gradient of a whole batch from two parts with unequal token counts."""
    a, b = (int(n) for n in rng.choice([100, 200, 300, 500, 700], size=2, replace=False))
    first, second = (round(float(x), 1) for x in rng.uniform(-3, 3, 2))
    answer = (a * first + b * second) / (a + b)
    wrong = (
        Wrong((first + second) / 2, "plain mean of unequal parts", "Parts weigh by their tokens."),
        Wrong(first + second, "sum not divided", "Each part is a mean; their weights sum to 1."),
        Wrong((b * first + a * second) / (a + b), "weights swapped", "The part with more tokens counts more."),
    )
    return NumberCase({"a": a, "b": b, "first": f"{first:g}", "second": f"{second:g}"}, answer, wrong, 0.02)


@told_apart
def at_the_critical(rng: np.random.Generator) -> NumberCase:
    """Examples, in units of the fewest, at a multiple of the critical batch."""
    critical = int(rng.choice([50, 100, 200, 400]))
    share = float(rng.choice([0.25, 0.5, 2.0, 3.0, 4.0]))
    batch = round(critical * share)
    steps, examples = steps_and_examples(batch, critical)
    wrong = (
        Wrong(steps, "steps for examples", "Steps are 1 + critical / batch."),
        Wrong(
            1.0,
            "examples do not depend on the batch",
            "Beyond the critical batch many examples only lower small noise.",
        ),
        Wrong(batch / critical, "nothing wasted below", "The fewest come on top: 1 + batch / critical."),
    )
    return NumberCase({"critical": critical, "batch": batch}, examples, wrong, 0.02)


@told_apart
def best_first_step(rng: np.random.Generator) -> NumberCase:
    """What the best step leaves of x^2, for a batch."""
    noise, batch = int(rng.choice([10, 20, 30, 60])), int(rng.choice([5, 10, 20, 40, 120]))
    v = best_step(1.0, batch, noise)
    wrong = (
        Wrong(1 - v, "what is gone for what is left", "The best rate is 1 / (1 + noise / batch); that share is gone."),
        Wrong(0.0, "noise forgotten", "A rate of 1 would do that without noise."),
        Wrong(noise / batch, "noise variance for what is left", "That is the noise of the gradient; the best rate lets in less."),
    )  # fmt: skip
    return NumberCase({"noise": noise, "batch": batch}, v, wrong, 0.02)
