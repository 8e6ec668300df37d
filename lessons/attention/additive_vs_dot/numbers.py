"""Numbers for the quiz on additive scores: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.additive_attention import additive_scores_forward


@told_apart
def one_score(rng: np.random.Generator) -> NumberCase:
    """Two hidden units; the projections are given, so that W_q and W_k are the identity."""
    a, b = (rng.choice([-1.0, -0.5, 0.5, 1.0], size=2) for _ in range(2))
    while (np.abs(a + b) < 0.4).any():
        b = rng.choice([-1.0, -0.5, 0.5, 1.0], size=2)
    v = rng.choice([1.0, 2.0, 3.0], size=2, replace=False)
    eye = np.eye(2)
    answer = float(additive_scores_forward(a[None], b[None], eye, eye, np.zeros(2), v)[0][0, 0])
    wrong = (
        Wrong(float(v @ (a + b)), "tanh forgotten", "Without the tanh there is no hidden layer."),
        Wrong(float(np.tanh(a + b).sum()), "v forgotten", "The hidden units are weighted by v before they are added."),
        Wrong(
            float(v @ (np.tanh(a) + np.tanh(b))),
            "tanh before the sum",
            "Add first, then tanh: the pair must meet inside.",
        ),
        Wrong(float(a @ b), "dot product for additive", "That would be the dot-product score."),
    )
    values = {"a1": a[0], "a2": a[1], "b1": b[0], "b2": b[1], "v1": v[0], "v2": v[1]}
    return NumberCase({name: f"{value:g}" for name, value in values.items()}, answer, wrong, 0.01)


def hidden_bytes(rng: np.random.Generator) -> NumberCase:
    """Counted on the real tensor at a quarter of the length, times sixteen: bytes grow with n * n."""
    n, a = int(rng.choice([128, 256, 512])), int(rng.choice([32, 64, 96]))
    small = np.zeros((n // 4, 2), dtype=np.float32)
    maps = np.zeros((2, a), dtype=np.float32)
    _, cache = additive_scores_forward(small, small, maps, maps, maps[0], maps[0])
    answer = float(16 * cache.hidden.nbytes)
    return NumberCase(
        {"n": n, "a": a},
        answer,
        (
            Wrong(answer / a, "scores for hidden tensor", "That is the n x n score matrix."),
            Wrong(answer / 4, "numbers for bytes", "A float32 takes 4 bytes."),
            Wrong(answer / n, "one hidden vector per token", "Every PAIR of tokens has its own hidden vector."),
        ),
        0.0,
    )


def flops(rng: np.random.Generator) -> NumberCase:
    """Two FLOPs for each multiply-add of Q K^T."""
    n, d = int(rng.choice([96, 160, 256, 512])), int(rng.choice([16, 32, 64]))
    scores = np.zeros((n, d)) @ np.zeros((d, n))
    answer = float(2 * scores.size * d)
    return NumberCase(
        {"n": n, "d": d},
        answer,
        (
            Wrong(answer / 2, "multiply-adds for FLOPs", "A multiply-add is two FLOPs."),
            Wrong(2 * answer, "both products counted", "The product with V was not asked for."),
            Wrong(float(2 * n * d * d), "cost linear in length", "Every query meets every key: n^2 d."),
        ),
        0.0,
    )
