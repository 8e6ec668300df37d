"""Numbers for the quiz on why not an RNN: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.basics.linear import linear_forward
from tfx.ops.recurrence.rnn import rnn_forward


@told_apart
def average(rng: np.random.Generator) -> NumberCase:
    """A weighted average of three numbers."""
    tenths = rng.choice([(7, 2, 1), (6, 3, 1), (1, 6, 3), (2, 7, 1), (1, 2, 7)])
    weights, numbers = tenths / 10, rng.choice(np.arange(1.0, 20.0), size=3, replace=False)
    answer = float(linear_forward(weights[None], numbers[:, None])[0][0, 0])
    wrong = (
        Wrong(
            float(numbers[weights.argmax()]),
            "softmax picks one key",
            "The word with the largest weight does not take it all: the others add their part.",
        ),
        Wrong(
            float(numbers.mean()), "plain mean for weighted mean", "Each number counts by its weight, not by a third."
        ),
        Wrong(answer / 3, "dividing by the count as well", "The weights sum to 1: there is nothing left to divide by."),
    )
    values = {f"w{i}": f"{w:g}" for i, w in enumerate(weights, start=1)}
    return NumberCase(values | {f"x{i}": f"{x:g}" for i, x in enumerate(numbers, start=1)}, answer, wrong)


def room(rng: np.random.Generator) -> NumberCase:
    """Counted on the last state of a real RNN."""
    words, width = int(rng.choice([20, 50, 300])), int(rng.choice([64, 128, 256]))
    x, maps = np.zeros((1, words, width), np.float32), np.zeros((width, width), np.float32)
    h, _ = rnn_forward(x, np.zeros((1, width), np.float32), maps, maps)
    answer = float(h[0, -1].size)
    return NumberCase(
        {"words": words, "width": width},
        answer,
        (
            Wrong(
                float(h.size),
                "a vector per word in an RNN",
                "An RNN goes on with its last state alone; attention keeps a vector for every word.",
            ),
            Wrong(float(words), "one number per word", "The state has a fixed width, whatever was read."),
            Wrong(2 * answer, "word counted with the state", "The vector of a word is gone once it has been mixed in."),
        ),
        0.0,
    )
