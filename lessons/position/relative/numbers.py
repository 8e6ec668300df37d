"""Numbers for the quiz on relative positions: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.relative_keys_values import relative_keys_values_attention_forward
from tfx.ops.positions.relative_buckets import bucket_bias_forward, bucket_of, relative_buckets


def rows_of_table(rng: np.random.Generator) -> NumberCase:
    """Rows that a real table needs: fewer are refused, more are never read."""
    c, tokens = int(rng.choice([4, 8, 16, 32, 64])), int(rng.choice([300, 500, 1000]))
    answer = float(len(np.unique(np.clip(np.arange(1 - tokens, tokens), -c, c))))
    wrong = (
        Wrong(float(2 * tokens - 1), "a row for every offset", "What is farther away than c counts as c away."),
        Wrong(float(2 * c), "offset 0 forgotten", "A token has an offset to itself, too: 0."),
        Wrong(float(c + 1), "one direction only", "Keys before and after the query have different offsets."),
        Wrong(float(tokens), "a row for every place", "The rows belong to offsets, not to places."),
    )  # fmt: skip
    return NumberCase({"c": c, "tokens": tokens}, answer, wrong, 0.0)


@told_apart
def shaw_score(rng: np.random.Generator) -> NumberCase:
    """The bias-free score of one pair, from real attention with values that read the weights off."""
    q, k, a = (rng.integers(-4, 5, size=2).astype(float) for _ in range(3))
    qs, ks = np.stack([0 * q, q]), np.stack([k, 0 * k])
    table = np.stack([a, 0 * a, 0 * a])
    _, cache = relative_keys_values_attention_forward(qs, ks, qs, table, 0 * table, scale=1.0)
    answer = float((cache.attention.q @ cache.attention.k.T + cache.attention.bias)[1, 0])
    wrong = (
        Wrong(float(q @ k), "no position", "The vector of the offset is added to the key."),
        Wrong(float((q + a) @ k), "added to the query", "Here the key gets the vector, not the query."),
    )  # fmt: skip
    values = {name: f"({x[0]:g}, {x[1]:g})" for name, x in (("q", q), ("k", k), ("a", a))}
    return NumberCase(values, answer, wrong, 0.0)


def same_bucket(rng: np.random.Generator) -> NumberCase:
    """A bias looked up at another place."""
    i, j, shift = int(rng.integers(1, 6)), int(rng.integers(1, 6)), int(rng.integers(3, 20))
    while i == j:
        j = int(rng.integers(1, 6))
    value = float(rng.choice([0.3, 0.7, -0.4, 1.2, -1.1]))
    table = np.full((32, 1), -9.0)
    table[bucket_of(np.array(j - i))] = value
    bias = bucket_bias_forward(table, relative_buckets(40))[0][0]
    wrong = (
        Wrong(0.0, "no bias elsewhere", "The bias depends on the offset, and the offset is the same."),
        Wrong(value * shift, "a bias that grows with the place", "Where the pair stands does not matter."),
        Wrong(-value, "direction turned round", "Query and key keep their roles, so the offset keeps its sign."),
    )  # fmt: skip
    values = {"i": i, "j": j, "i2": i + shift, "j2": j + shift, "value": f"{value:g}"}
    return NumberCase(values, float(bias[i + shift, j + shift]), wrong, 0.0)


def bias_shape(rng: np.random.Generator) -> ShapeCase:
    """The shape of a T5 bias."""
    heads, tokens, batch = int(rng.choice([4, 8, 12])), int(rng.integers(13, 40)), int(rng.choice([2, 3, 5]))
    bias = bucket_bias_forward(np.zeros((32, heads)), relative_buckets(tokens))[0]
    wrong = (
        Wrong((32, heads), "the table for the bias", "That is the table of learned numbers; the bias has one for each pair."),
        Wrong((batch, heads, tokens, tokens), "a bias for every sentence", "Offsets are the same in all sentences: one bias serves them."),
        Wrong((heads, tokens), "a bias for each place", "It belongs to a pair of query and key."),
    )  # fmt: skip
    return ShapeCase({"heads": heads, "tokens": tokens, "batch": batch}, bias.shape, wrong)
