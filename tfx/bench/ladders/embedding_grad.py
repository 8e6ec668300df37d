"""Gradient of an embedding table, from loops to the library: row v of dE sums dy over every place where v stood.

Tokens repeat, and a few of them often: ids are drawn with the chance of the r-th most frequent proportional to 1 / r.
So rows cannot simply be assigned, they must be added, and that is what NumPy is slow at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import Ladder, Sizes, Work, copy_of_input, library, rung, rungs_of
from tfx.ops.basics.embedding import EmbeddingCache, embedding_backward, embedding_forward, one_hot

VOCABULARY, WIDTH = 512, 64


@rung(by_number=True)
def loops(dy: Array, cache: EmbeddingCache) -> Array:
    """One number after the other.

    Over lists.
    """
    dtable = [[0.0] * cache.table.shape[1] for _ in range(cache.table.shape[0])]
    for token, row in zip(cache.ids.tolist(), dy.tolist(), strict=True):
        for i, number in enumerate(row):
            dtable[token][i] += number
    return np.array(dtable, dtype=dy.dtype).reshape(cache.table.shape)


@rung()
def row_by_row(dy: Array, cache: EmbeddingCache) -> Array:
    """A NumPy addition per token.

    Why: A row is added in C.
    Price: It costs a call per token.
    """
    dtable = np.zeros(cache.table.shape, dtype=dy.dtype)
    for token, row in zip(cache.ids.tolist(), dy, strict=True):
        dtable[token] += row
    return dtable


@rung("add.at rows")
def add_at_rows(dy: Array, cache: EmbeddingCache) -> Array:
    """np.add.at(dtable, ids, dy).

    Why: One call for all tokens.
    Price: Where an index stands for a whole row, ufunc.at takes its general and slow path.

    It adds again where an id repeats, which dtable[ids] += dy does not.
    """
    dtable = np.zeros(cache.table.shape, dtype=dy.dtype)
    np.add.at(dtable, cache.ids, dy)
    return dtable


@rung("one-hot product")
def one_hot_product(dy: Array, cache: EmbeddingCache) -> Array:
    """o^T dy with one-hot rows o.

    Why: BLAS multiplies so fast that V times the work can still pay where V is small.
    Price: Nearly all products are with zero, and tokens x V ones and zeros lie in memory.
    """
    return one_hot(cache.ids, cache.table.shape[0], dy.dtype).T @ dy


@rung()
def sorted_sums(dy: Array, cache: EmbeddingCache) -> Array:
    """Sort by id, then one sum per run of equal ids.

    Why: Each number is added once, by a loop in C.
    Price: A sort, and a copy of dy in the order of the ids.
    """
    dtable = np.zeros(cache.table.shape, dtype=dy.dtype)
    order = np.argsort(cache.ids, kind="stable")
    tokens = cache.ids[order]
    starts = np.flatnonzero(np.diff(tokens, prepend=-1))
    dtable[tokens[starts]] = np.add.reduceat(dy[order], starts, axis=0)
    return dtable


@rung("bincount")
def counting(dy: Array, cache: EmbeddingCache) -> Array:
    """np.bincount over the places in the flat table.

    Why: One simple loop in C, and no sort.
    Price: An index for every number, and sums in float64 whatever dy is.

    The weights are the numbers of dy.
    """
    cells = cache.ids[:, None] * dy.shape[-1] + np.arange(dy.shape[-1])
    dtable = np.bincount(cells.reshape(-1), weights=dy.reshape(-1), minlength=cache.table.size)
    return dtable.astype(dy.dtype).reshape(cache.table.shape)


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Any, ...]:
    """dy: (size, WIDTH), and the cache that the forward leaves."""
    chances = 1 / np.arange(1, VOCABULARY + 1)
    ids = rng.choice(VOCABULARY, size=size, p=chances / chances.sum())
    table = rng.standard_normal((VOCABULARY, WIDTH)).astype(dtype)
    return rng.standard_normal((size, WIDTH)).astype(dtype), embedding_forward(ids, table)[1]


def work(inputs: tuple[Any, ...]) -> Work:
    """dy is read, the table's gradient written."""
    dy, cache = inputs
    return Work(dy.nbytes + cache.table.nbytes, "GB/s")


def numbers(size: int) -> int:
    """About as many are in the inputs and in the largest arrays that a rung makes of them."""
    return size * (WIDTH + VOCABULARY)


RUNGS = rungs_of(
    __name__,
    library(
        embedding_backward,
        "An index for every number.",
        why="A flat index takes the fast path of ufunc.at, which adds in the dtype of dy.",
        how="np.add.at over the same places",
    ),
)
LADDER = Ladder(
    f"Gradient of an embedding table of {VOCABULARY} x {WIDTH}",
    Sizes("tokens", 16_384, 2048, 131_072),
    inputs,
    RUNGS,
    numbers,
    work=work,
    yardstick=("a copy of dy", copy_of_input),
    naive="one-hot product",
)
