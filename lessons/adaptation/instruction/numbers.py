"""Numbers for the quiz on instructions and worked steps: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.parity_by_steps import zigzag
from tfx.measure.emergence import expected_exact_match
from tfx.ops.feed_forward.sigmoid import sigmoid_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward


@told_apart
def places_that_count(rng: np.random.Generator) -> NumberCase:
    """Losses that are not zero, of a row of which the instruction is left out."""
    text, answer = int(rng.integers(6, 30)), int(rng.integers(3, 20))
    n = text + answer - 1
    keep = np.arange(1, n + 1) >= text
    _, cache = cross_entropy_forward(rng.standard_normal((n, 9)), np.zeros(n, int), keep=keep)
    wrong = (
        Wrong(float(text + answer - 1), "instruction counted", "The model is not to learn to write instructions."),
        Wrong(float(answer - 1), "first token not asked for", "The last token of the instruction predicts the answer's first."),
        Wrong(float(text - 1), "instruction for answer", "The loss is on the answer."),
    )  # fmt: skip
    return NumberCase({"text": text, "answer": answer}, float((cache.token_losses > 0).sum()), wrong, 0.0)


@told_apart
def preferred(rng: np.random.Generator) -> NumberCase:
    a, b = (float(x) for x in rng.choice(np.arange(-2.0, 3.1, 0.5), 2, replace=False))
    chance = float(sigmoid_forward(np.array(a - b))[0])
    wrong = (
        Wrong(1 - chance, "second for first", "That is the chance of the other answer."),
        Wrong(float(sigmoid_forward(np.array(a))[0]), "one reward alone", "Only the difference of the two counts."),
        Wrong(float(sigmoid_forward(np.array(a + b))[0]), "sum for difference", "The rewards are compared: subtract."),
    )
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}"}, chance, wrong)


@told_apart
def serial_layers(rng: np.random.Generator) -> NumberCase:
    layers, steps = int(rng.choice([6, 12, 24, 32, 48])), int(rng.integers(3, 30))
    depth = sum(layers for _ in range(steps))
    wrong = (
        Wrong(float(layers), "depth of the model alone", "What is written is read again, in a further pass."),
        Wrong(float(layers + steps), "sum for product", "Each token goes through all layers."),
        Wrong(float(layers * (steps - 1)), "last pass not counted", "The last token takes a pass, too."),
    )
    return NumberCase({"layers": layers, "steps": steps}, float(depth), wrong, 0.0)


@told_apart
def without_slip(rng: np.random.Generator) -> NumberCase:
    slip, n = float(rng.choice([0.01, 0.02, 0.05])), int(rng.choice([10, 15, 20, 30]))
    wrong = (
        Wrong(100 * (1 - n * slip), "slips added", "Several slips can fall on one chain, so the shares multiply."),
        Wrong(100 * (1 - slip), "one step for all", "All steps have to be right."),
        Wrong(100 * (1 - float(expected_exact_match(1 - slip, n))), "some slip for none", "That is the share with at least one slip."),
    )  # fmt: skip
    return NumberCase({"slip": f"{100 * slip:g}", "n": n}, 100 * float(expected_exact_match(1 - slip, n)), wrong)


@told_apart
def bends(rng: np.random.Generator) -> NumberCase:
    """What a network made for k bits gives for a number of ones, by its own weights."""
    made, more = int(rng.integers(2, 8)), int(rng.integers(2, 10))
    s = made + more
    w1, b1, w2, _ = zigzag(made)
    answer = float((np.maximum(s * w1[0] + b1, 0) @ w2)[0])
    wrong = (
        Wrong(float(s % 2), "goes on to bend", "Behind its last bend the network is a straight line."),
        Wrong(float(made % 2), "stays where it is", "Behind its last bend it rises or falls on."),
        Wrong(float(s), "no bend at all", "The first bends do take place."),
    )
    return NumberCase({"made": made, "s": s}, answer, wrong, 0.0)
