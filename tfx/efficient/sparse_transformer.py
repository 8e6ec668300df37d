"""Sparse Transformer: two sparse patterns whose steps, one after the other, reach everything.

With a stride l near sqrt(T), query i reads

                local                           distant
    strided     i - l, ..., i                   every l-th place: i, i - l, i - 2 l, ...
    fixed       the places of its own block     the last c places of every block, which sum their block up
                of l up to i

Each has about sqrt(T) keys.  From any i to any j < i it takes two steps: a distant one into the neighbourhood of j, and
a local one to j itself.  The patterns meet in one of two ways: heads take turns ("split": even heads are local, odd
ones distant), or each head reads the union of both ("merged").

Strided local is a window, strided distant a dilated window as long as the sequence (longformer.py); fixed works in
blocks of l; only strided and merged at once has no blocks, and gathers the keys of every single query.

Derivation.  Only the tables are new: see gathered_attention.py.

Exact: the attention under `sparse_transformer_mask`; with l >= T - 1, local or merged, full causal attention.
Approximated: nothing, but what is out of reach is left out.  Cost: O(T (l + c T / l) D), at l = sqrt(T) O(T^1.5 D)
instead of O(T^2 D).  In time it pays in blocks from about T = 128 on; query by query, where each reads copies of its
own, from T = 2048 on.
Source: Child, Gray, Radford and Sutskever 2019, "Generating Long Sequences with Sparse Transformers", sections 4.2 and
4.3 and figure 3.  The strided local window is the paper's, i - l to i, which are l + 1 places; the authors' code has l
of them, i - l + 1 to i.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.efficient.gathered_attention import Gathering, gathering, gathering_of_mask
from tfx.efficient.gathered_heads import GatheredHeadsCache, gathered_heads_backward, gathered_heads_forward
from tfx.efficient.longformer import longformer_table
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes

SparseTransformerCache = GatheredHeadsCache
PATTERNS = ("strided", "fixed")
PARTS = ("local", "distant", "merged")


@in_float32
def sparse_transformer_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    stride: int,
    pattern: str = "strided",
    part: str = "split",
    n_summary: int = 1,
    causal: bool = True,
) -> tuple[Array, SparseTransformerCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    The T queries stand at the last T of S places.  stride: l.  pattern: "strided" or "fixed".  part: "split" (needs an
    axis of heads), "merged", "local" or "distant".  n_summary: c, of "fixed".  causal: False reads both ways.
    mask, scale: as in attention_forward; a fully blocked row gives zeros.
    Raises ValueError when shapes or settings do not fit, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)

    def table(heads: str) -> Gathering:
        return sparse_transformer_table(q.shape[-2], k.shape[-2], stride, pattern, heads, n_summary, causal)

    if part != "split":
        groups = [(slice(None), table(part))]
    elif q.ndim > 2 and q.shape[-3] > 1:
        groups = [(slice(0, None, 2), table("local")), (slice(1, None, 2), table("distant"))]
    else:
        raise ValueError('one head alone cannot be split into local and distant heads; use part="merged"')
    return gathered_heads_forward(q, k, v, mask, scale, groups=groups)


@in_float32
def sparse_transformer_attention_backward(dout: Array, cache: SparseTransformerCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    return gathered_heads_backward(dout, cache)


@lru_cache(maxsize=32)
def sparse_transformer_table(
    n_queries: int, n_keys: int, stride: int, pattern: str, part: str, n_summary: int = 1, causal: bool = True
) -> Gathering:
    """What each block of queries reads.  Raises ValueError for settings that do not fit."""
    _check(n_queries, n_keys, stride, pattern, part, n_summary)
    if pattern == "strided" and part == "local":
        return longformer_table(n_queries, n_keys, stride, 1, (), causal)
    if pattern == "strided" and part == "distant":
        return longformer_table(n_queries, n_keys, n_keys, stride, (), causal)
    if pattern == "strided":
        return gathering_of_mask(
            sparse_transformer_mask(n_queries, n_keys, stride, pattern, part, n_summary, causal=causal)
        )
    past = n_keys - n_queries
    blocks = np.arange(past // stride, -(-n_keys // stride))[:, None]
    own = blocks * stride + np.arange(stride)  # (N, l)
    summaries = np.arange(n_keys)[np.arange(n_keys) % stride >= stride - n_summary]
    summaries = np.broadcast_to(summaries, (len(blocks), summaries.size))
    if part == "local":
        keys = own
    elif part == "distant":
        keys = summaries
    else:  # a summary of the own block is read as one of its places
        keys = np.concatenate((own, np.where(summaries // stride == blocks, -1, summaries)), axis=1)
    ahead = keys[:, None, :] - own[:, :, None]
    return gathering(own - past, keys, ahead <= 0 if causal else np.ones(ahead.shape, bool), n_queries, n_keys)


def sparse_transformer_mask(
    n_queries: int,
    n_keys: int | None = None,
    stride: int = 1,
    pattern: str = "strided",
    part: str = "merged",
    n_summary: int = 1,
    causal: bool = True,
    xp: Any = np,
) -> Array:
    """-> (T, S) bool: the same pattern as a mask for exact attention.  part: "local", "distant" or "merged"."""
    n_keys = n_queries if n_keys is None else n_keys
    _check(n_queries, n_keys, stride, pattern, part, n_summary)
    rows, columns = np.arange(n_keys - n_queries, n_keys)[:, None], np.arange(n_keys)
    if pattern == "strided":
        local, distant = abs(columns - rows) <= stride, (columns - rows) % stride == 0
    else:
        local = columns // stride == rows // stride
        distant = np.broadcast_to(columns % stride >= stride - n_summary, local.shape)
    mask = {"local": local, "distant": distant, "merged": local | distant}[part]
    return xp.asarray(mask & (columns <= rows) if causal else mask)


def _check(n_queries: int, n_keys: int, stride: int, pattern: str, part: str, n_summary: int) -> None:
    if pattern not in PATTERNS:
        raise ValueError(f"pattern must be one of {', '.join(PATTERNS)}, not {pattern!r}")
    if part not in PARTS:
        raise ValueError(f"part must be one of split, {', '.join(PARTS)}, not {part!r}")
    whole_number("stride", stride, 1)
    whole_number("the number of queries", n_queries, 0)
    if whole_number("n_summary", n_summary, 1) > stride:
        raise ValueError(f"a stride of {stride} places, {n_summary} of them a summary, makes no sense")
    if n_keys < n_queries:
        raise ValueError(f"{n_queries} queries stand at the last of only {n_keys} keys")
