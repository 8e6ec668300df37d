"""Numbers for the quiz on Reformer: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.lsh_attention import lsh_attention_forward
from tfx.efficient.lsh_hashing import lsh_buckets
from tfx.nn.reversible import ReversibleBlock, Streams


class _Times:
    """A layer that multiplies, for blocks worked by hand."""

    def __init__(self, by: float) -> None:
        self.by = by

    def forward(self, x: np.ndarray, mask: object = None, rng: object = None) -> tuple[np.ndarray, None]:
        return self.by * x, None


@told_apart
def bucket(rng: np.random.Generator) -> NumberCase:
    """The bucket of a vector, counted from 1, without a rotation."""
    x = rng.choice([-9, -8, -7, -5, -4, -2, 2, 3, 5, 6], 3, replace=False).astype(float)
    answer = int(lsh_buckets(x[None], np.eye(3)[None])[0, 0]) + 1
    wrong = (
        Wrong(float(np.argmax(x) + 1), "signs left out", "The largest of x and -x counts: six numbers."),
        Wrong(float(answer - 3 if answer > 3 else answer + 3), "sign turned round", "Buckets 1 to 3 are the numbers of x, 4 to 6 those of -x."),
        Wrong(float(np.abs(x).argmin() + 1), "smallest for largest", "The largest of the six numbers names the bucket."),
    )  # fmt: skip
    a, b, c = (f"{n:g}" for n in x)
    return NumberCase({"a": a, "b": b, "c": c}, float(answer), wrong, 0.0)


@told_apart
def scores(rng: np.random.Generator) -> NumberCase:
    """Scores that one head makes, counted on a real forward."""
    chunk, rounds, n = int(rng.choice([4, 8, 16])), int(rng.choice([2, 3, 4])), int(rng.choice([6, 8, 12]))
    x = np.random.default_rng(0).standard_normal((chunk * n, 4))
    _, cache = lsh_attention_forward(x, x, n_buckets=4, chunk=chunk, n_rounds=rounds)
    answer = cache.weights.size
    wrong = (
        Wrong(answer / 2, "chunk before forgotten", "A chunk reads itself and the one before."),
        Wrong(answer / rounds, "rounds forgotten", "Each round makes its own scores."),
        Wrong(float((chunk * n) ** 2), "all pairs", "A token meets two chunks in a round."),
        Wrong(float(rounds * n * 2 * chunk), "one token a chunk", "Each of a chunk's tokens asks."),
    )
    return NumberCase({"t": chunk * n, "chunk": chunk, "rounds": rounds}, float(answer), wrong, 0.0)


@told_apart
def undone(rng: np.random.Generator) -> NumberCase:
    """x_1 of a reversible block from its outputs, with two multiplications for layers."""
    a, b = (int(n) for n in rng.choice([2, 3, 4, 5], 2, replace=False))
    x1, x2 = (int(n) for n in rng.choice(np.arange(1, 8), 2, replace=False))
    y, _ = ReversibleBlock(_Times(a), _Times(b)).forward(Streams(np.array(float(x1)), np.array(float(x2))))
    y1, y2 = int(y.first), int(y.second)
    wrong = (
        Wrong(float(y1 - a * y2), "output for input", "f was computed from x_2, which has to be found first."),
        Wrong(float(x2), "streams exchanged", "That is x_2."),
        Wrong(float(y1 + a * x2), "added again", "What was added is subtracted."),
        Wrong(float(y1), "stream taken over", "y_1 is x_1 + f(x_2)."),
    )
    return NumberCase({"a": a, "b": b, "y1": y1, "y2": y2}, float(x1), wrong, 0.0)


@told_apart
def several_rounds(rng: np.random.Generator) -> NumberCase:
    """The chance that independent rounds find a key."""
    percent, rounds = int(rng.choice([20, 30, 40, 50, 60])), int(rng.choice([2, 3, 4]))
    p = percent / 100
    wrong = (
        Wrong(100 * p**rounds, "found in each round", "It is enough to meet once."),
        Wrong(100 * (1 - p) ** rounds, "missed for found", "That is the chance to miss in each round."),
        Wrong(float(percent * rounds), "chances added", "Meetings in several rounds overlap."),
    )
    return NumberCase({"percent": percent, "rounds": rounds}, 100 * (1 - (1 - p) ** rounds), wrong, 0.005, "%")
