"""Numbers for the quiz on FlashAttention: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.lab.cost.online_softmax import moved_in_tiles, moved_step_by_step, online_softmax


@told_apart
def running_sum(rng: np.random.Generator) -> NumberCase:
    """The sum after a second block with a larger score."""
    a, b, c = (int(n) for n in rng.choice(5, 3, replace=False))
    top = max(a, b) + int(rng.integers(1, 3))
    first, second = online_softmax(np.array([a, b, c, top], float), np.ones((4, 1)), 2)
    added = math.exp(c - top) + 1
    wrong = (
        Wrong(first.total + added, "old sum not shrunk", "The old sum is in units of exp of the old maximum."),
        Wrong(math.exp(top - first.top) * first.total + added, "shrunk upside down", "The new maximum is larger, so the old terms become smaller."),
        Wrong(added, "old sum forgotten", "The first block's terms stay part of the sum."),
        Wrong(sum(math.exp(s - first.top) for s in (a, b, c, top)), "old maximum kept", "The sum is kept in units of the largest score so far."),
    )  # fmt: skip
    return NumberCase({"a": a, "b": b, "c": c, "top": top}, second.total, wrong, 0.005)


@told_apart
def weight_again(rng: np.random.Generator) -> NumberCase:
    """A weight from its score and the kept log-sum-exp."""
    score, more = float(rng.integers(1, 5)), round(float(rng.uniform(0.3, 2.0)), 1)
    kept = score + more
    wrong = (
        Wrong(math.exp(more), "sign turned round", "The logarithm of the sum is subtracted from the score."),
        Wrong(score / kept, "quotient of exponents", "Exponentials are divided, so exponents are subtracted."),
        Wrong(math.exp(score) / kept, "sum for its logarithm", "What is kept is a logarithm already."),
    )
    return NumberCase({"score": f"{score:g}", "kept": f"{kept:g}"}, math.exp(score - kept), wrong, 0.01)


@told_apart
def kept_numbers(rng: np.random.Generator) -> NumberCase:
    """What tiled attention keeps beside its inputs, counted on real arrays."""
    heads, t, d = int(rng.choice([2, 4, 8])), int(rng.choice([32, 64, 96])), int(rng.choice([8, 16, 24]))
    _, cache = tiled_attention_forward(*np.zeros((3, heads, t, d), dtype="float32"))
    answer = cache.out.size + cache.logsumexp.size
    wrong = (
        Wrong(float(heads * t * t), "weights kept", "The weights are made again from the scores."),
        Wrong(float(heads * t * d), "sums not kept", "One log-sum-exp a query brings the weights back."),
        Wrong(float(heads * t * (d + 2)), "maximum and sum both kept", "Together they make one number, m + log l."),
        Wrong(float(t * (d + 1)), "one head for all", "Each head has its own outputs and sums."),
    )
    return NumberCase({"heads": heads, "t": t, "d": d}, float(answer), wrong, 0.0)


@told_apart
def travel(rng: np.random.Generator) -> NumberCase:
    """Numbers that travel in tiles."""
    d, b, n = int(rng.choice([32, 64, 128])), int(rng.choice([64, 128, 256])), int(rng.choice([2, 4, 8]))
    t = b * n
    wrong = (
        Wrong(float(4 * t * d), "keys and values read once", "Each tile of queries reads them anew."),
        Wrong(float(moved_step_by_step(t, d)), "scores written out", "Scores stay in fast memory."),
        Wrong(float(2 * t * d + t * d * n), "keys without values", "Each tile reads both keys and values."),
        Wrong(
            float(4 * t * d * n), "queries read for each tile", "A query belongs to one tile, and so does its output."
        ),
    )
    return NumberCase({"t": t, "d": d, "b": b}, float(moved_in_tiles(t, d, b)), wrong, 0.0)
