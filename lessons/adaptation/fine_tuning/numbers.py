"""Numbers for the quiz on fine-tuning: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.points import Perceptron
from tfx.measure.forgetting import forgetting
from tfx.optim import AdamW, gradual_unfreezing, layerwise_decay


@told_apart
def layer_rate(rng: np.random.Generator) -> NumberCase:
    decay, blocks = float(rng.choice([0.5, 0.6, 0.7, 0.8, 0.9])), int(rng.choice([4, 6, 8, 12]))
    block = int(rng.integers(1, blocks - 1))
    rate = 1e-3
    answer = rate * layerwise_decay(decay, blocks + 1)(block, 1)
    wrong = (
        Wrong(rate * decay**block, "counted from below", "The head has the full rate; the rates fall downwards."),
        Wrong(
            rate * decay * (blocks + 1 - block), "product for power", "Each layer multiplies by the decay once more."
        ),
        Wrong(answer / decay, "off by one layer", "The head is one above the last block."),
    )
    return NumberCase({"decay": f"{decay:g}", "blocks": blocks, "block": block}, answer * 1e6, _scaled(wrong, 1e6))


def _scaled(wrong: tuple[Wrong, ...], by: float) -> tuple[Wrong, ...]:
    return tuple(Wrong(by * float(w.value), w.misconception, w.why) for w in wrong)  # type: ignore[arg-type]


@told_apart
def first_update(rng: np.random.Generator) -> NumberCase:
    """The first update that changes a block, looked for."""
    every, blocks = int(rng.choice([50, 100, 200, 400])), int(rng.choice([4, 6, 8, 12]))
    block = int(rng.integers(1, blocks))
    thaw = gradual_unfreezing(every, blocks + 1)
    answer = next(step for step in range(1, every * (blocks + 3)) if thaw(block, step))
    wrong = (
        Wrong(float(block * every + 1), "thawed from below", "The head is trained first, then the layers from the top down."),
        Wrong(float((blocks - block) * every + 1), "head not counted", "The head is trained alone for the first stretch."),
        Wrong(1.0, "all at once", "At first only the head is trained."),
    )  # fmt: skip
    return NumberCase({"every": every, "blocks": blocks, "block": block}, float(answer), wrong, 0.0)


@told_apart
def adam_memory(rng: np.random.Generator) -> NumberCase:
    """GB for weights, gradients and AdamW's averages, counted on a small model."""
    model = Perceptron(3, 3, 3, rng)
    averages = sum(np.size(value) == model.n_parameters for value in AdamW(model).state().values())
    billions = float(rng.choice([1.3, 2.7, 6.7, 13, 30, 70]))
    answer = 4 * billions * (2 + averages)
    wrong = (
        Wrong(4 * billions, "weights alone", "The gradient and both averages have to be kept, too."),
        Wrong(8 * billions, "optimiser states forgotten", "AdamW keeps two averages for each weight."),
        Wrong(12 * billions, "one average for two", "AdamW averages the gradient and its square."),
    )
    return NumberCase({"billions": f"{billions:g}"}, answer, wrong, 0.005)


@told_apart
def forgotten(rng: np.random.Generator) -> NumberCase:
    before, after, second = (int(n) for n in rng.choice(np.arange(30, 100, 3), 3, replace=False))
    if before < after:
        before, after = after, before
    accuracies = np.array([[before, 20.0], [after, second]])
    wrong = (
        Wrong(float(before - second), "new task for old", "The second task's share says nothing of the first."),
        Wrong(float(100 - after), "error for forgetting", "What was never known was not forgotten."),
        Wrong(float(after), "kept for forgotten", "That is what is left."),
    )
    return NumberCase({"before": before, "after": after, "second": second}, forgetting(accuracies), wrong, 0.0)
