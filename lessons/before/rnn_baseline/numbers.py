"""Numbers for the quiz on recurrent networks: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences import sequential_steps
from tfx.ops.recurrence.lstm import lstm_forward
from tfx.ops.recurrence.rnn import rnn_forward
from tfx.optim import clip_by_norm


@told_apart
def second_state(rng: np.random.Generator) -> NumberCase:
    """A real RNN of one number reads two words."""
    w_h, first, second = (float(rng.choice(values)) for values in ((0.5, 0.8, 1.5, 2.0), (0.5, 1.0, 2.0), (-1.0, -0.5, 0.3)))  # fmt: skip
    h, _ = rnn_forward(np.array([[[first], [second]]]), np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1), w_h))
    wrong = (
        Wrong(math.tanh(second), "state forgotten", "The state before is part of the sum, times w_h."),
        Wrong(second + w_h * math.tanh(first), "bend forgotten", "tanh is applied to the sum."),
        Wrong(math.tanh(second + w_h * first), "word for state", "w_h multiplies the state tanh(x_1), not the word."),
    )  # fmt: skip
    return NumberCase({"w": f"{w_h:g}", "x1": f"{first:g}", "x2": f"{second:g}"}, float(h[0, 1, 0]), wrong, 0.02)


@told_apart
def gate_power(rng: np.random.Generator) -> NumberCase:
    """What a forget gate leaves after some steps, by multiplying."""
    gate, steps = float(rng.choice([0.5, 0.8, 0.9, 0.95, 0.99])), int(rng.choice([5, 10, 20, 40]))
    wrong = (
        Wrong(gate, "gate applied once", "The gate multiplies at every step."),
        Wrong(max(1 - steps * (1 - gate), -1.0) + 1e-3, "subtracted at each step", "Each step multiplies by the gate; nothing is subtracted."),
        Wrong((1 - gate) ** steps, "forgotten share for kept share", "f is the share that is kept."),
    )  # fmt: skip
    return NumberCase({"gate": f"{gate:g}", "steps": steps}, math.prod([gate] * steps), wrong, 0.02)


@told_apart
def cell(rng: np.random.Generator) -> NumberCase:
    """One step of the library's LSTM whose gates are set by their offsets."""
    f, i = float(rng.choice([0.5, 0.7, 0.8, 0.9])), float(rng.choice([0.1, 0.2, 0.3, 0.4]))
    g, before = float(rng.choice([-0.8, -0.5, 0.5, 0.9])), float(rng.choice([-2.0, 1.0, 2.0, 3.0]))
    b = np.array([math.log(i / (1 - i)), math.log(f / (1 - f)), math.atanh(g), 0.0])
    _, cache = lstm_forward(np.zeros((1, 1, 1)), np.zeros((1, 1)), np.full((1, 1), before), np.zeros((1, 4)), np.zeros((1, 4)), b)  # fmt: skip
    wrong = (
        Wrong(i * before + f * g, "gates exchanged", "f keeps the old cell, i writes the new."),
        Wrong(f * before + g, "write gate left open", "What is new is multiplied by i."),
        Wrong(before + i * g, "keep gate left open", "The old cell is multiplied by f."),
    )  # fmt: skip
    values = {"f": f"{f:g}", "i": f"{i:g}", "g": f"{g:g}", "before": f"{before:g}"}
    return NumberCase(values, float(cache.last[1][0, 0]), wrong, 0.01)


@told_apart
def clipped(rng: np.random.Generator) -> NumberCase:
    """The library's clipping, on a gradient of two numbers."""
    a, b = (float(side) * int(rng.integers(2, 9)) for side in rng.permutation([3, 4]))
    b = b / abs(b) * (4.0 if a % 3 == 0 and a % 4 else 3.0) * abs(a) / (3.0 if a % 3 == 0 and a % 4 else 4.0)
    limit = float(rng.choice([0.5, 1.0, 2.0]))
    grad = np.array([a, b])
    clip_by_norm(grad, limit)
    wrong = (
        Wrong(limit, "each number clipped", "The whole gradient is scaled, so that its direction stays."),
        Wrong(a / limit, "divided by the limit", "Multiply by limit / length."),
        Wrong(a * limit / (abs(a) + abs(b)), "sum of sizes for length", "The length is the root of the summed squares."),
    )  # fmt: skip
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}", "limit": f"{limit:g}"}, float(grad[0]), wrong, 0.01)


@told_apart
def chain(rng: np.random.Generator) -> NumberCase:
    """Counted by running a real GRU, as the experiment does."""
    words = int(rng.integers(4, 30))
    settings = sequential_steps.Settings((2, 3, words))
    count = sequential_steps.measure_row(settings, sequential_steps.GRU)[f"n_{words}"]
    wrong = (
        Wrong(float(words), "one product a step", "In a step the candidate waits for the reset gate: two products in a row."),
        Wrong(2.0, "words in parallel", "Each state waits for the one before."),
        Wrong(float(words**2), "pairs of words counted", "Words are read once each, and not in pairs."),
    )  # fmt: skip
    return NumberCase({"words": words}, float(count), wrong, 0.0)
