"""Two ways to score a pair of query and key, side by side: how far scores spread, what they count, store and take.

The dot product q . k, and the additive score v . tanh(q W_q + k W_k + b) of Bahdanau, Cho and Bengio 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.measure.counting_array import CountingArray, counted
from tfx.measure.measuring import Timing, thread_clock, time_in_turns
from tfx.ops.attention.additive_attention import additive_scores_forward
from tfx.ops.attention.general_scores import dot_scores_forward
from tfx.ops.basics.linear import linear_forward

#: Queries that the additive score takes at a time when it works in chunks.
CHUNK = 16


class Scorer(NamedTuple):
    """The learned parts of additive scoring: w_q, w_k (D, A), b (A,), v (A,)."""

    w_q: np.ndarray
    w_k: np.ndarray
    b: np.ndarray
    v: np.ndarray


def draw_scorer(rng: np.random.Generator, d: int, hidden: int, dtype: Any = np.float64) -> Scorer:
    """Random weights of the usual size: variance 1/d for the maps, 1/hidden for v; no bias."""
    return Scorer(
        (rng.standard_normal((d, hidden)) / math.sqrt(d)).astype(dtype),
        (rng.standard_normal((d, hidden)) / math.sqrt(d)).astype(dtype),
        np.zeros(hidden, dtype),
        (rng.standard_normal(hidden) / math.sqrt(hidden)).astype(dtype),
    )


def spread(rng: np.random.Generator, widths: Sequence[int], tokens: int, hidden: int) -> list[dict[str, float]]:
    """For each width d the standard deviation of tokens x tokens scores of standard normal queries and keys.

    dot, scaled (by 1/sqrt(d)) and additive; `largest` additive score by size, and its `bound`, the sum of |v|.
    """
    rows = []
    for d in widths:
        q, k = rng.standard_normal((tokens, d)), rng.standard_normal((tokens, d))
        scorer = draw_scorer(rng, d, hidden)
        dot = q @ k.T
        additive, _ = additive_scores_forward(q, k, *scorer)
        rows.append(
            {
                "d": d,
                "dot": float(dot.std()),
                "scaled": float((dot / math.sqrt(d)).std()),
                "additive": float(additive.std()),
                "bound": float(np.abs(scorer.v).sum()),
                "largest": float(np.abs(additive).max()),
            }
        )
    return rows


def work(n: int, d: int, hidden: int) -> list[dict[str, Any]]:
    """Multiply-adds of one head of n queries and n keys, evaluations of tanh, and parameters, part by part.

    The projections that make queries and keys of the dot product are not counted, nor those before the additive ones.
    """
    return [
        {"part": "scores", "dot": n * n * d, "additive": n * n * hidden},
        {"part": "projections q, k", "dot": 0, "additive": 2 * n * d * hidden},
        {"part": "tanh", "dot": 0, "additive": n * n * hidden},
        {"part": "weights times values", "dot": n * n * d, "additive": n * n * d},
        {"part": "extra parameters", "dot": 0, "additive": 2 * d * hidden + 2 * hidden},
    ]


def seconds(rng: np.random.Generator, n: int, d: int, hidden: int) -> dict[str, Timing]:
    """Seconds for the scores of n queries and n keys in float32, on one thread and by its own clock, in turns."""
    q, k = (rng.standard_normal((n, d)).astype(np.float32) for _ in range(2))
    scorer = draw_scorer(rng, d, hidden, np.float32)
    calls = {"dot": lambda: q @ k.T, "additive": lambda: additive_scores_forward(q, k, *scorer)}
    with blas_threads(1):
        return time_in_turns(calls, turns=9, budget_s=1.0, clock=thread_clock())


def scoring_calls(rng: np.random.Generator, n: int, d: int) -> dict[str, Callable[[], np.ndarray]]:
    """Three ways from n tokens of width d to n x n scores in float32, each with two projections of width d.

    dot; additive, all pairs at once; chunks: additive, CHUNK queries at a time, whose hidden numbers fit a cache.
    """
    x, y = (rng.standard_normal((n, d)).astype(np.float32) for _ in range(2))
    w_q, w_k, _, v = draw_scorer(rng, d, d, np.float32)

    def dot() -> np.ndarray:
        return dot_scores_forward(linear_forward(x, w_q)[0], linear_forward(y, w_k)[0], 1 / math.sqrt(d))[0]

    def additive() -> np.ndarray:
        return additive_scores_forward(x, y, w_q, w_k, None, v)[0]

    def chunks() -> np.ndarray:
        key, _ = linear_forward(y, w_k)
        parts = [additive_scores_forward(x[i : i + CHUNK], key, w_q, None, None, v)[0] for i in range(0, n, CHUNK)]
        return np.concatenate(parts)

    return {"dot": dot, "additive": additive, "chunks": chunks}


def counted_flops(rng: np.random.Generator, d: int, n: int = 16) -> dict[str, int]:
    """FLOPs of n x n scores of queries and keys that are projected, of width d: counted while they are computed.

    A multiply-add is two, the sum and the tanh of a hidden number one each.
    """
    q, k = (rng.standard_normal((n, d)).view(CountingArray) for _ in range(2))
    counted.reset()
    dot_scores_forward(q, k)
    dot = 2 * counted.multiply_adds
    counted.reset()
    _, cache = additive_scores_forward(q, k, np.eye(d), None, None, rng.standard_normal(d))
    pairs = counted.multiply_adds - n * d * d  # without the queries' own map, here the identity
    return {"dot": dot, "additive": 2 * pairs + 2 * cache.hidden.size}
