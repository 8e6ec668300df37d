"""Numbers for the quiz on scaled dot-product attention: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.scaled_dot_product import attention_forward


@told_apart
def one_output(rng: np.random.Generator) -> NumberCase:
    """A whole attention, small enough for paper."""
    q, a, b = (rng.integers(-2, 3, size=2).astype(float) for _ in range(3))
    va, vb = (float(v) for v in rng.permutation([1.0, 2.0, 4.0, 8.0, 10.0])[:2])
    k, v = np.stack([a, b]), np.array([[va], [vb]])

    def output(scale: float | None = None, keys: np.ndarray = k) -> float:
        return float(attention_forward(q[None], keys, v, scale=scale)[0][0, 0])

    answer = output()
    weights = attention_forward(q[None], k, v)[1].weights[0]
    wrong = (
        Wrong(output(scale=1.0), "no scaling", "This is the output without dividing by sqrt(2)."),
        Wrong(output(scale=0.5), "dividing by the variance", "This divides by d_k = 2 instead of its root."),
        Wrong(output(keys=k[::-1]), "keys swapped", "The weights of the two keys are exchanged."),
        Wrong((va + vb) / 2, "equal weights whatever the scores", "Equal weights would need equal scores."),
        Wrong(
            va if weights[0] > 0.5 else vb, "winner takes all", "Softmax mixes; it does not pick the best value alone."
        ),
    )
    values = {
        "q1": f"{q[0]:g}", "q2": f"{q[1]:g}", "a1": f"{a[0]:g}", "a2": f"{a[1]:g}", "b1": f"{b[0]:g}", "b2": f"{b[1]:g}",
        "va": f"{va:g}", "vb": f"{vb:g}", "sa": f"{q @ a:g}", "sb": f"{q @ b:g}", "wa": f"{weights[0]:.3f}",
    }  # fmt: skip
    return NumberCase(values, answer, wrong, 0.01)


@told_apart
def multiply_adds(rng: np.random.Generator) -> NumberCase:
    """Counted over the shapes of the two products."""
    n, d = int(rng.choice([96, 100, 128, 256])), int(rng.choice([16, 32, 64]))
    x = np.zeros((n, d))
    out, cache = attention_forward(x, x, x)
    scores = cache.weights.size * d  # every score is a sum of d products
    answer = float(scores + out.size * n)  # every output number is a sum of n products
    return NumberCase(
        {"n": n, "d": d},
        answer,
        (
            Wrong(float(scores), "one product of two", "That is Q K^T alone; P V takes as many again."),
            Wrong(
                2 * answer,
                "FLOPs for multiply-adds",
                "A multiply-add is two FLOPs; the question asks for multiply-adds.",
            ),
            Wrong(float(2 * n * d * d), "cost linear in length", "Every query meets every key: n^2 d, not n d^2."),
        ),
        0.0,
    )


def output_shape(rng: np.random.Generator) -> ShapeCase:
    """The shape of a real output, with all sizes different."""
    t, s, d, dv = (int(n) for n in rng.permutation([3, 4, 5, 6, 7, 8, 16])[:4])
    out, cache = attention_forward(np.zeros((t, d)), np.zeros((s, d)), np.zeros((s, dv)))
    return ShapeCase(
        {"t": t, "s": s, "d": d, "dv": dv},
        out.shape,
        (
            Wrong(cache.weights.shape, "weights for output", "That is the shape of the weights, before V."),
            Wrong((s, dv), "one output per key", "There is one output per query."),
            Wrong(
                (t, d),
                "output as wide as the query",
                "Widths of keys only have to match the queries; outputs mix values.",
            ),
        ),
    )
