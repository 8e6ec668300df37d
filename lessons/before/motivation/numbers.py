"""Numbers for the quiz on why the Transformer was proposed: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences import path_length, sequential_steps
from tfx.measure.counting import attention_core, recurrence, total_matmul_flops


@told_apart
def rnn_path(rng: np.random.Generator) -> NumberCase:
    """Counted by passing marks on, as the experiment does."""
    n = int(rng.integers(8, 60))
    settings = path_length.Settings((4, 6, n))
    steps = path_length.measure_row(settings, path_length.RNN)[f"n_{n}"]
    wrong = (
        Wrong(float(n), "own step counted", "The last token is already there when it is read: the way has one step less than tokens."),
        Wrong(1.0, "attention for recurrence", "One step it is with attention. An RNN passes every token in between."),
        Wrong(n / 2, "middle for end", "Half of the way reaches the middle; the ends are farthest apart."),
    )  # fmt: skip
    return NumberCase({"n": n}, float(steps), wrong, 0.0)


@told_apart
def convolution_layers(rng: np.random.Generator) -> NumberCase:
    """Layers of a convolution until the ends know each other, by passing marks on."""
    reach, n = int(rng.choice([1, 2, 3])), int(rng.integers(10, 50))
    settings = path_length.Settings((4, 6, n), kernel=2 * reach + 1)
    layers = path_length.measure_row(settings, path_length.CONVOLUTION)[f"n_{n}"]
    wrong = (
        Wrong(1.0, "one layer sees all", "A layer sees its few neighbours alone; farther ones need further layers."),
        Wrong(float(-(-(n - 1) // (2 * reach + 1))), "kernel for reach", "News goes half a kernel to each side in a layer, not a whole one."),
        Wrong(float(-(-n // reach) + 2), "one layer too many", "The ends are n - 1 places apart."),
    )  # fmt: skip
    return NumberCase({"kernel": 2 * reach + 1, "reach": reach, "n": n}, float(layers), wrong, 0.0)


@told_apart
def chain(rng: np.random.Generator) -> NumberCase:
    """Products in a row of real layers, an RNN and attention."""
    n = int(rng.integers(10, 60))
    settings = sequential_steps.Settings((2, 3, n))
    rnn, attention = (sequential_steps.measure_row(settings, way)[f"n_{n}"] for way in (sequential_steps.RNN, sequential_steps.ATTENTION))  # fmt: skip
    wrong = (
        Wrong(1.0, "steps for work", "Attention has as much to compute or more; it is spread over few steps."),
        Wrong(float(n), "attention is one product", f"Attention takes {attention} products in a row: project, score, sum, project."),
        Wrong(float(n * n / attention), "pairs for steps", "Pairs are compared at once; they do not wait for each other."),
    )  # fmt: skip
    return NumberCase({"n": n, "attention": attention}, rnn / attention, wrong, 0.01)


@told_apart
def equal_work(rng: np.random.Generator) -> NumberCase:
    """Attention's pairs over an RNN, by the library's counts."""
    d = int(rng.choice([64, 128, 256]))
    n = d * int(rng.choice([2, 3, 4, 8])) // int(rng.choice([1, 1, 16]))
    ratio = total_matmul_flops(attention_core(n, d, 1)) / total_matmul_flops(recurrence(n, d))
    wrong = (
        Wrong(d / n, "upside down", "Attention grows with n squared: it is the longer texts that cost it more."),
        Wrong((n / d) ** 2, "squared ratio", "n^2 d over n d^2 is n / d; one n and one d cancel."),
        Wrong(float(n), "width forgotten", "An RNN's step costs d^2, and so d comes in."),
    )  # fmt: skip
    return NumberCase({"n": n, "d": d}, ratio, wrong, 0.01)
