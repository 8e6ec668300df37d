"""Numbers for the quiz on linear attention: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.causal_product import causal_product_forward
from tfx.efficient.linear_attention import linear_attention_forward
from tfx.lab.attention.attention_as_kernel import smooth
from tfx.lab.cost.attention_variants import work
from tfx.ops.attention.scaled_dot_product import attention_forward


@told_apart
def smoothed(rng: np.random.Generator) -> NumberCase:
    """A smoother's output from its kernel and its values."""
    a, b, c = (int(n) for n in rng.choice([1, 2, 3, 4, 5, 6], 3, replace=False))
    x, y, z = (int(n) for n in rng.choice([10, 20, 30, 40, 50], 3, replace=False))
    kernel, values = np.array([[a, b, c]], float), np.array([[x], [y], [z]], float)
    bare = float((kernel @ values)[0, 0])
    shares = np.exp(kernel[0] - kernel.max()) / np.exp(kernel[0] - kernel.max()).sum()
    wrong = (
        Wrong(bare, "division left out", "A smoother divides by the sum of the kernel."),
        Wrong(bare / 3, "number of keys for the sum", "The kernel's own sum divides, not the number of keys."),
        Wrong(float(shares @ values[:, 0]), "softmax of the kernel", "The kernel holds the exponential already."),
    )
    values_shown = {"a": a, "b": b, "c": c, "x": x, "y": y, "z": z}
    return NumberCase(values_shown, float(smooth(kernel, values)[0, 0]), wrong, 0.005)


@told_apart
def one_weight(rng: np.random.Generator) -> NumberCase:
    """Linear attention with elu + 1, width 1, two keys with values 1 and 0."""
    q, first, second = int(rng.integers(1, 4)), int(rng.integers(2, 6)), -int(rng.integers(1, 3))
    query, keys, values = (np.array([[float(n)] for n in given]) for given in ((q,), (first, second), (1, 0)))
    answer = float(linear_attention_forward(query, keys, values)[0][0, 0])
    soft = 1 / (1 + math.exp(q * (second - first)))
    wrong = (
        Wrong(soft, "softmax kernel", "The exponential of the score is replaced by a product of features."),
        Wrong(first / (first + math.exp(second)), "one left out", "elu(x) + 1 is x + 1 for positive x."),
        Wrong((first + 1) / (first + second + 1), "exp left out below zero", "For negative x the feature is exp(x)."),
        Wrong((q + 1.0) * (first + 1), "division left out", "The sum over both keys divides."),
    )
    return NumberCase({"q": q, "first": first, "second": second}, answer, wrong, 0.01)


@told_apart
def saved(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds of softmax attention over those of linear attention, both run."""
    d, t = int(rng.choice([4, 8, 16])), int(rng.choice([32, 64, 128]))
    heads = tuple(np.random.default_rng(0).standard_normal((3, t, d)))
    full, linear = (work(way, heads) for way in (attention_forward, linear_attention_forward))
    wrong = (
        Wrong(linear / full, "quotient upside down", "Softmax attention takes more where T is above D + 1."),
        Wrong(t / d, "sum of features left out", "Each key's features are summed as well: D + 1 columns."),
        Wrong(2 * t / (d + 1), "one of two products", "Linear attention has two products, too: over keys, over queries."),
        Wrong(float(t), "width left out", "Linear attention takes T D Dv twice, so the width counts."),
    )  # fmt: skip
    return NumberCase({"t": t, "d": d}, full / linear, wrong, 0.005)


@told_apart
def state_size(rng: np.random.Generator) -> NumberCase:
    """Numbers kept by causal linear attention, all heads, after T tokens."""
    heads, d, t = int(rng.choice([2, 4, 8])), int(rng.choice([16, 32, 64])), int(rng.choice([100, 500, 1000]))
    x = np.zeros((heads, 3, d))
    _, cache = causal_product_forward(x, x, np.ones((heads, 3, d + 1)))
    answer = cache.last_state.size
    wrong = (
        Wrong(float(2 * heads * t * d), "keys and values kept", "They are summed into the state and forgotten."),
        Wrong(float(heads * d * d), "sum of features left out", "The denominator's sum of features is kept as well."),
        Wrong(float(t * answer), "a state a token", "Only the last state is kept."),
        Wrong(float(d * (d + 1)), "one head for all", "Each head has a state of its own."),
    )
    return NumberCase({"heads": heads, "d": d, "t": t}, float(answer), wrong, 0.0)
