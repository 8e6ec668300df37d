"""Numbers for the quiz on dropout: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.dropout import variance_law
from tfx.ops.basics.dropout import dropout_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.stochastic_depth import layers_left_after_pruning, linear_decay_rates


def _rate(rng: np.random.Generator) -> float:
    return float(rng.choice([0.1, 0.2, 0.25, 0.3, 0.4]))


@told_apart
def kept_number(rng: np.random.Generator) -> NumberCase:
    """What a number that stays becomes."""
    rate, x = _rate(rng), float(rng.choice([-3, -2, 2, 3, 4, 6]))
    answer = float(dropout_forward(np.array(x), np.array(1 / (1 - rate)))[0])
    wrong = (
        Wrong(x, "no rescaling", "The mean would fall: what stays is multiplied by 1 / (1 - rate)."),
        Wrong(x * (1 - rate), "shrinking in training", "Shrinking by 1 - rate belongs to inference, where training does not rescale."),
        Wrong(x / rate, "rate for share kept", "The share that stays is 1 - rate, so 1 / (1 - rate)."),
    )  # fmt: skip
    return NumberCase({"rate": rate, "x": f"{x:g}"}, answer, wrong, 0.01)


@told_apart
def variance_behind(rng: np.random.Generator) -> NumberCase:
    """The variance of numbers behind dropout."""
    rate, mean, variance = _rate(rng), float(rng.integers(1, 5)), float(rng.integers(1, 5))
    wrong = (
        Wrong(variance, "noise overlooked", "Which numbers fall is drawn, and that adds variance; the mean alone stays."),
        Wrong(variance / (1 - rate), "variance scaled", "The mean counts too: what is added is rate / (1 - rate) times the mean square."),
        Wrong(variance + rate * (variance + mean**2), "rate for its odds", "The factor is rate / (1 - rate): what stays also grows."),
    )  # fmt: skip
    return NumberCase({"rate": rate, "mean": f"{mean:g}", "variance": f"{variance:g}"}, variance_law(rate, mean, variance), wrong, 0.01)  # fmt: skip


@told_apart
def through_the_stream(rng: np.random.Generator) -> NumberCase:
    """Share of numbers that survive on a dropped stream."""
    rate, n = _rate(rng), int(rng.integers(3, 13))
    wrong = (
        Wrong(1.0, "residual dropout meant", "With dropout before the sum they would all get through; here the sum itself is dropped."),
        Wrong(1 - rate, "one sub-layer counted", "Each sub-layer drops anew, so the shares multiply."),
        Wrong(1 - (1 - rate) ** n, "share lost", "That is the share that is lost."),
    )  # fmt: skip
    return NumberCase({"rate": rate, "n": n}, (1 - rate) ** n, wrong, 0.01)


@told_apart
def dropped_row(rng: np.random.Generator) -> NumberCase:
    """The sum of attention weights of which one was dropped."""
    rate = _rate(rng)
    p = np.asarray(softmax_forward(rng.uniform(-1, 1, 4))[0]).round(2)
    p[3] = round(1 - p[:3].sum(), 2)
    at = int(rng.integers(4))
    answer = float(dropout_forward(p, (np.arange(4) != at) / (1 - rate))[0].sum())
    wrong = (
        Wrong(1.0, "normalised again", "Dropout comes after the softmax, and nothing normalises the row again."),
        Wrong(float(1 - p[at]), "no rescaling", "The weights that stay are multiplied by 1 / (1 - rate)."),
        Wrong(float(1 - p[at]) * (1 - rate), "shrinking in training", "What stays grows in training."),
    )  # fmt: skip
    return NumberCase({"rate": rate, "row": ", ".join(f"{x:g}" for x in p), "at": at + 1}, answer, wrong, 0.01)


@told_apart
def blocks_that_run(rng: np.random.Generator) -> NumberCase:
    """Blocks that run on average with rates that grow in a line."""
    n, last = int(rng.integers(4, 25)), float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.5]))
    answer = n - sum(linear_decay_rates(n, last))
    wrong = (
        Wrong(n * (1 - last), "last rate for all", "The rate grows from block to block; the last has the largest."),
        Wrong(n - answer, "blocks left out", "That is how many are left out."),
        Wrong(float(n), "each block runs", "Left out is left out: the mean is kept by what grows, not by how many run."),
    )  # fmt: skip
    return NumberCase({"n": n, "last": last}, answer, wrong, 0.01)


@told_apart
def layers_left(rng: np.random.Generator) -> NumberCase:
    """Layers that are left when every second or so is cut."""
    every, n = int(rng.choice([2, 3, 4])), int(rng.integers(6, 25))
    answer = len(layers_left_after_pruning(n, 1 / every))
    wrong = (
        Wrong(float(n - answer), "layers taken away", "That is how many go."),
        Wrong(float(n), "LayerDrop for dropout", "Dropout leaves the network whole at inference; LayerDrop lets layers be cut."),
    )  # fmt: skip
    return NumberCase({"n": n, "every": {2: "second", 3: "third", 4: "fourth"}[every]}, float(answer), wrong, 0.0)
