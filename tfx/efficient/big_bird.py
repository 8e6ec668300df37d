"""BigBird: every token reads a window, a few global tokens, and a few tokens at random, all in blocks.

The sequence is cut into blocks of b tokens.  A block of queries reads

    window      the (w - 1) / 2 blocks on each side, and itself       what is near
    global      the first g blocks; and these read every block        a way through the middle
    random      r more blocks, drawn by a seed                        short cuts

so that each query has (w + g + r) b keys.  A random graph of few edges already has short paths between any two nodes,
the window keeps neighbours together, and with the global tokens the paper proves that what full attention can compute,
this can (theorem 1).

Derivation.  Only the table is new: see gathered_attention.py.  The random blocks are drawn when the table is made and
are constants.

Exact: the attention under `big_bird_mask`; with all blocks global, or a window over all of them, full attention.
Cost: O(T (w + g + r) b D) for blocks and O(g b T D) for global rows, instead of O(T^2 D).  In time it pays, with 3 + 1
+ 1 blocks of 16, from T = 256 on; with the paper's 3 + 2 + 3 blocks of 64 a query has 512 keys, so T has to be longer.
Source: Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences", section 2 and appendix D (the ITC form, whose
global tokens are part of the sequence).  The authors' code, and Hugging Face's, take the first and the last block for
global and draw random blocks for each head; here the first g are global, and all heads share the random ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.efficient.gathered_attention import (
    GatheredAttentionCache,
    Gathering,
    gathered_attention_backward,
    gathered_attention_forward,
    gathering,
)
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes

BigBirdCache = GatheredAttentionCache


@in_float32
def big_bird_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    block: int,
    n_window: int = 3,
    n_global: int = 1,
    n_random: int = 1,
    causal: bool = False,
    seed: int = 0,
) -> tuple[Array, BigBirdCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    The T queries stand at the last T of S places.  block: b.  n_window: w, odd; n_global: g; n_random: r: counted in
    blocks, and as many as there are if there are fewer.  causal: nobody reads what comes later, and random blocks are
    earlier ones.  seed: of the random blocks, which all heads share.  mask, scale: as in attention_forward; a fully
    blocked row gives zeros.
    Raises ValueError when shapes or settings do not fit, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    table = big_bird_table(q.shape[-2], k.shape[-2], block, n_window, n_global, n_random, causal, seed)
    return gathered_attention_forward(q, k, v, mask, scale, table=table)


@in_float32
def big_bird_attention_backward(dout: Array, cache: BigBirdCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    return gathered_attention_backward(dout, cache)


def big_bird_blocks(
    n_blocks: int, n_window: int = 3, n_global: int = 1, n_random: int = 1, causal: bool = False, seed: int = 0
) -> np.ndarray:
    """-> (N, N) bool: which blocks each block reads.  If causal, however many more blocks follow later."""
    numbers = np.arange(n_blocks)
    near = abs(numbers - numbers[:, None]) <= n_window // 2
    reads = near | (numbers < n_global) | (numbers < n_global)[:, None]
    possible = numbers <= numbers[:, None] if causal else np.ones((n_blocks, n_blocks), dtype=bool)
    reads &= possible
    for i in range(n_blocks):
        rest = np.flatnonzero(possible[i] & ~reads[i])
        rng = np.random.default_rng((seed, i))
        reads[i, rng.permutation(rest)[:n_random]] = True
    return reads


@lru_cache(maxsize=32)
def big_bird_table(
    n_queries: int,
    n_keys: int,
    block: int,
    n_window: int = 3,
    n_global: int = 1,
    n_random: int = 1,
    causal: bool = False,
    seed: int = 0,
) -> Gathering:
    """What each block reads, and the rows of the global queries.  Raises ValueError for settings that do not fit."""
    _check(n_queries, n_keys, block, n_window, n_global, n_random)
    past, n_blocks = n_keys - n_queries, -(-n_keys // block)
    reads = big_bird_blocks(n_blocks, n_window, n_global, n_random, causal, seed)
    asking = np.arange(past // block, n_blocks)
    reads = reads[asking] & (asking >= n_global)[:, None]  # global blocks have whole rows instead
    counts = reads.sum(axis=1)
    lists = np.full((len(asking), counts.max(initial=0)), n_blocks)  # a block behind the last one: empty slots
    lists[np.arange(lists.shape[1]) < counts[:, None]] = np.nonzero(reads)[1]
    keys = (lists[:, :, None] * block + np.arange(block)).reshape(len(asking), lists.shape[1] * block)
    standing = asking[:, None] * block + np.arange(block)
    ahead = keys[:, None, :] - standing[:, :, None]
    rows = range(min(max(n_global * block - past, 0), n_queries))
    allowed = ahead <= 0 if causal else np.ones(ahead.shape, dtype=bool)
    return gathering(standing - past, keys, allowed, n_queries, n_keys, rows, causal)


def big_bird_mask(
    n_queries: int,
    n_keys: int | None = None,
    block: int = 1,
    n_window: int = 3,
    n_global: int = 1,
    n_random: int = 1,
    causal: bool = False,
    seed: int = 0,
    xp: Any = np,
) -> Array:
    """-> (T, S) bool: the same pattern as a mask for exact attention."""
    n_keys = n_queries if n_keys is None else n_keys
    _check(n_queries, n_keys, block, n_window, n_global, n_random)
    rows, columns = np.arange(n_keys - n_queries, n_keys)[:, None], np.arange(n_keys)
    reads = big_bird_blocks(-(-n_keys // block), n_window, n_global, n_random, causal, seed)
    mask = reads[rows // block, columns // block]
    return xp.asarray(mask & (columns <= rows) if causal else mask)


def _check(n_queries: int, n_keys: int, block: int, n_window: int, n_global: int, n_random: int) -> None:
    for name, size, least in (
        ("block", block, 1),
        ("n_window", n_window, 1),
        ("n_global", n_global, 0),
        ("n_random", n_random, 0),
        ("the number of queries", n_queries, 0),
    ):
        whole_number(name, size, least)
    if n_window % 2 == 0:
        raise ValueError(f"n_window must be odd, with the block itself in the middle, not {n_window}")
    if n_keys < n_queries:
        raise ValueError(f"{n_queries} queries stand at the last of only {n_keys} keys")
