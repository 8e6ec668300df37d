"""Numbers for the quiz on low-rank attention: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.linformer import linformer_forward
from tfx.efficient.nystrom_attention import nystrom_attention_forward
from tfx.lab.cost.attention_variants import work


@told_apart
def mixed_keys(rng: np.random.Generator) -> ShapeCase:
    """The shape of the mixed keys, taken from a real forward."""
    b, heads, d = int(rng.integers(2, 5)), int(rng.choice([2, 4, 8])), int(rng.choice([16, 24, 32]))
    t, marks = int(rng.choice([48, 64, 96])), int(rng.choice([5, 10, 12]))
    q, k, v = np.zeros((3, b, heads, t, d), dtype="float32")
    _, cache = linformer_forward(q, k, v, np.zeros((marks, t), dtype="float32"))
    wrong = (
        Wrong((b, heads, t, marks), "width for length", "It is the length that is mixed down; the width stays."),
        Wrong((b, heads, d, marks), "axes exchanged", "A row for each mixed key, as keys have a row for each token."),
        Wrong((b, marks, d), "heads mixed", "Each head has its own keys; the matrix that mixes them may be shared."),
        Wrong((marks, marks), "mixed with mixed", "That would be scores of mixed queries, which Linformer has not."),
    )
    shape = tuple(int(n) for n in cache.attention.k.shape)
    return ShapeCase({"b": b, "heads": heads, "d": d, "t": t, "marks": marks}, shape, wrong)


@told_apart
def linformer_work(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds of one Linformer head, run."""
    t, d, marks = int(rng.choice([64, 96, 128])), int(rng.choice([8, 16])), int(rng.choice([4, 10, 20]))
    heads = tuple(np.random.default_rng(0).standard_normal((3, t, d)))
    answer = work(lambda q, k, v: linformer_forward(q, k, v, np.full((marks, t), 0.5)), heads)
    wrong = (
        Wrong(answer / 2, "mixing for free", "Making the mixed keys and values takes as much as using them."),
        Wrong(float(2 * t * t * d), "full attention", "Scores are T x marks and not T x T."),
        Wrong(3 * answer / 4, "values not mixed", "Both keys and values are mixed."),
        Wrong(float(4 * marks * marks * d), "queries mixed as well", "There are as many queries as tokens."),
    )
    return NumberCase({"t": t, "d": d, "marks": marks}, float(answer), wrong, 0.0)


@told_apart
def three_matrices(rng: np.random.Generator) -> NumberCase:
    """Weights in Nystromformer's three matrices, counted on a real forward."""
    t, marks = int(rng.choice([60, 80, 120])), int(rng.choice([6, 10, 15]))
    x = np.random.default_rng(0).standard_normal((t, 4))
    _, cache = nystrom_attention_forward(x, x, x, n_landmarks=marks)
    answer = cache.answer.weights.size + cache.read.weights.size + cache.inverse.a.size
    wrong = (
        Wrong(float(t * t), "full matrix", "The T x T matrix is not made."),
        Wrong(float(2 * t * marks), "middle forgotten", "Landmarks among themselves are the third matrix."),
        Wrong(
            float(t * marks + marks * marks), "one outer matrix", "There is one for all queries and one for all keys."
        ),
        Wrong(float(3 * t * marks), "three of one size", "The middle one has landmarks on both sides."),
    )
    return NumberCase({"t": t, "marks": marks}, float(answer), wrong, 0.0)


@told_apart
def by_segments(rng: np.random.Generator) -> NumberCase:
    """The second mixed value when neighbours are averaged."""
    a, b, c, d = (int(n) for n in rng.choice(np.arange(1, 20), 4, replace=False))
    mix = np.array([[1, 1, 0, 0], [0, 0, 1, 1]]) / 2
    answer = float((mix @ np.array([a, b, c, d], float))[1])
    wrong = (
        Wrong(float(c + d), "sum for mean", "The row holds halves."),
        Wrong((a + b) / 2, "first for second", "The second row of the matrix reads the last two tokens."),
        Wrong((a + b + c + d) / 4, "all mixed", "Each row has its own weights."),
        Wrong((b + d) / 2, "every other token", "The second row reads tokens 3 and 4."),
    )
    return NumberCase({"a": a, "b": b, "c": c, "d": d}, answer, wrong, 0.0)
