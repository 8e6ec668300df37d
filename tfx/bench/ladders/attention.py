"""Causal attention of a few heads, forward: softmax(Q K^T / sqrt(D), masked) V, from three loops to the library.

The heads lie side by side in one (T, H D) array, as the projections of a layer leave them; q, k, v are (H, T, D) views
of such arrays, and no rung copies them.  All rungs obey any mask in which every query may see some key.  The library's
function also keeps the weights, for the backward, and takes blocked rows, dropout, a bias and a soft cap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import WRITTEN_IN, Ladder, Rung, Sizes, Work, library, rung, rungs_of
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.short_forms import short_attention

HEADS, WIDTH = 2, 32  # WIDTH: of one head
BLOCK = 64  # queries at a time


@rung(by_number=True)
def loops(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """The formula, number by number.

    Over lists.
    """
    scale = 1 / math.sqrt(q.shape[-1])
    may_see = mask.tolist()
    out = []
    for queries, keys, values in zip(q.tolist(), k.tolist(), v.tolist(), strict=True):
        for t, query in enumerate(queries):
            seen = [s for s in range(len(keys)) if may_see[t][s]]
            scores = [scale * sum(a * b for a, b in zip(query, keys[s], strict=True)) for s in seen]
            top = max(scores)
            exps = [math.exp(score - top) for score in scores]
            total = sum(exps)
            row = [0.0] * len(values[0])
            for s, e in zip(seen, exps, strict=True):
                for i, value in enumerate(values[s]):
                    row[i] += e / total * value
            out.append(row)
    return np.array(out, dtype=q.dtype).reshape(v.shape)


@rung()
def query_by_query(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """A query against all its keys: matrix times vector.

    Why: The innermost loops run in BLAS.
    Price: Each key is read again for every query.

    Only the keys that it sees: two products of a matrix and a vector.
    """
    scale = 1 / math.sqrt(q.shape[-1])
    out = np.empty(v.shape, dtype=q.dtype)
    for h in range(q.shape[0]):
        for t in range(q.shape[1]):
            seen = mask[t]
            scores = (k[h] @ q[h, t] * scale)[seen]
            weights = np.exp(scores - scores.max())
            weights /= weights.sum()
            out[h, t] = weights @ v[h][seen]
    return out


@rung()
def head_by_head(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """All queries of a head: matrix times matrix.

    Why: Far fewer calls, and BLAS uses a number many times while it is in a register.
    Price: Scores are made that the mask throws away, and temporaries of T x T.

    Two matrix products, with the T x T scores between them.
    """
    scale = 1 / math.sqrt(q.shape[-1])
    out = np.empty(v.shape, dtype=q.dtype)
    for h in range(q.shape[0]):
        scores = np.where(mask, q[h] @ k[h].T * scale, -math.inf)
        exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = exps / exps.sum(axis=-1, keepdims=True)
        out[h] = weights @ v[h]
    return out


WRITTEN_IN[__name__].append(
    Rung(
        "all heads",
        short_attention,
        "One matmul for the stack of heads, on views.",
        "Fewer calls of NumPy.",
        "matmul calls BLAS once per head anyway, and the temporaries of all heads need more room in the cache.",
    )
)


@rung()
def small_arrays(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """Scale q, not the scores; divide the output, not the weights; one T x T array in place.

    Why: What can be done on T x D numbers is not done on T x T, and memory is used again, not asked for.
    """
    scores = (q * (1 / math.sqrt(q.shape[-1]))) @ k.swapaxes(-1, -2)
    np.copyto(scores, -math.inf, where=~mask)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    out = scores @ v
    out /= scores @ np.ones((scores.shape[-1], 1), dtype=q.dtype)
    return out


@rung(change=f"{BLOCK} queries at a time, and no keys after the last one that they see.")
def skipping(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """A block of queries at a time, against no key after the last one that any of them sees.

    Why: Nearly half of the products and of the exponentials fall away, and a block of scores stays in the cache.
    Price: No weights are left for a backward: it would make them again.
    """
    q = q * (1 / math.sqrt(q.shape[-1]))
    out = np.empty(v.shape, dtype=q.dtype)
    for start in range(0, q.shape[-2], BLOCK):
        rows = slice(start, start + BLOCK)
        seen = slice(int(mask[rows].any(axis=0).nonzero()[0][-1]) + 1)
        scores = q[:, rows] @ k[:, seen].swapaxes(-1, -2)
        np.copyto(scores, -math.inf, where=~mask[rows, seen])
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        np.matmul(scores, v[:, seen], out=out[:, rows])
        out[:, rows] /= scores @ np.ones((scores.shape[-1], 1), dtype=q.dtype)
    return out


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Array, ...]:
    """q, k, v: (H, T, D) views of (T, H D) arrays, and the causal mask."""
    q, k, v = rng.standard_normal((3, size, HEADS * WIDTH)).astype(dtype).reshape(3, size, HEADS, WIDTH).swapaxes(1, 2)
    return q, k, v, causal_mask(size)


def work(inputs: tuple[Any, ...]) -> Work:
    """Both products, for the pairs of query and key that the mask leaves; a product and a sum are two operations."""
    q, _, v, mask = inputs
    return Work(2 * q.shape[0] * int(mask.sum()) * (q.shape[-1] + v.shape[-1]), "GFLOP/s")


def products_alone(inputs: tuple[Any, ...]) -> Callable[[], Any]:
    """Q K^T and P V for all pairs, also those that the mask blocks, and nothing between them."""
    q, k, v, _ = inputs
    scores = q @ k.swapaxes(-1, -2)
    out = np.empty(v.shape, dtype=q.dtype)

    def call() -> None:
        np.matmul(q, k.swapaxes(-1, -2), out=scores)
        np.matmul(scores, v, out=out)

    return call


def numbers(size: int) -> int:
    """About as many are in the inputs and in the largest arrays that a rung makes of them."""
    return HEADS * size * (4 * WIDTH + size)


RUNGS = rungs_of(
    __name__,
    library(
        attention_forward,
        "It keeps all weights for the backward, takes blocked rows, dropout and biases, and reads like the formula.",
    ),
)
LADDER = Ladder(
    f"Causal attention, {HEADS} heads of width {WIDTH}",
    Sizes("tokens", 256, 96, 8192),
    inputs,
    RUNGS,
    numbers,
    work=work,
    yardstick=("the two products alone, without a mask", products_alone),
    naive="all heads",
)
