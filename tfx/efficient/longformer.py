"""Longformer: every token reads a window around it, and a few global tokens read, and are read by, everybody.

    j is read by i   if   |i - j| <= w d and d divides i - j        a window of w places on each side, d apart
                     or   i is global  or  j is global              symmetric: a way for anything to reach anything
                     (and j <= i, if causal)

d is the dilation; heads may have different ones, so that some see near and some see far.  L layers of windows reach
L w d places, like convolutions.

The window is computed in blocks and not by masking.  The places with i mod d = r form d sequences in which a dilated
window is a plain one; each is cut into blocks of b = max(w, 1) queries, and a block reads the b + 2 w keys around it
(gathered_attention.py), next to the G global ones.  The rows of the global queries are made as a whole.

Derivation.  Only the table is new: gathered_attention.py has the backward, gathered_heads.py that of several dilations.

Exact: the attention under `longformer_mask`; with w >= T - 1 and d = 1, or with all tokens global, full attention.
Cost: O(T (3 w + G) D) for windows and O(G T D) for global rows, instead of O(T^2 D).  Blocks make three scores for two
pairs in a window, so fewer scores are made from T = 3 w + 2 G on; in time it pays, here with w = 16, from T = 200 on.
Source: Beltagy, Peters and Cohan 2020, "Longformer: The Long-Document Transformer", sections 3.1 and 3.2, figure 2.
(Their w counts both sides.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array
from tfx.efficient.gathered_attention import Gathering, gathering
from tfx.efficient.gathered_heads import (
    GatheredHeadsCache,
    count_heads,
    gathered_heads_backward,
    gathered_heads_forward,
)
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes

LongformerCache = GatheredHeadsCache


@in_float32
def longformer_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    window: int,
    dilation: int | Sequence[int] = 1,
    global_places: Sequence[int] = (),
    causal: bool = False,
) -> tuple[Array, LongformerCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    The T queries stand at the last T of S places (S > T with stored keys).  window: w, places on each side; any number
    from T - 1 on is everything.  dilation: d, or one for each of the H heads, the third axis from the end.
    global_places: numbers of places, counted from the first key.  causal: nobody reads what comes later.
    mask, scale: as in attention_forward; a fully blocked row gives zeros.
    Raises ValueError when shapes or settings do not fit, TypeError when the mask is not boolean.
    """
    check_attention_shapes(q, k, v, mask)
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    places = _distinct_places(global_places, n_keys)
    groups = [
        (heads, longformer_table(n_queries, n_keys, window, d, places, causal)) for heads, d in _groups(dilation, q)
    ]
    return gathered_heads_forward(q, k, v, mask, scale, groups=groups)


@in_float32
def longformer_attention_backward(dout: Array, cache: LongformerCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    return gathered_heads_backward(dout, cache)


@lru_cache(maxsize=32)
def longformer_table(
    n_queries: int,
    n_keys: int,
    window: int,
    dilation: int = 1,
    global_places: tuple[int, ...] = (),
    causal: bool = False,
) -> Gathering:
    """What each block reads, and the rows of the global queries.

    Raises ValueError for a negative window, a dilation below 1, or fewer keys than queries.
    """
    _check(n_queries, n_keys, window, dilation)
    past = n_keys - n_queries
    length = -(-n_keys // dilation)  # of the longest of d sequences
    w = min(window, length)
    b = max(w, 1) if w + 1 < length else max(length, 1)  # one block where everybody reads everybody
    blocks = np.arange(-(-length // b))
    residues = np.arange(dilation)[:, None, None]
    standing = residues + dilation * (blocks[:, None] * b + np.arange(b))  # (d, N, b) places of queries
    near = residues + dilation * (blocks[:, None] * b + np.arange(-w, b if causal else b + w))  # ... and of keys
    standing, near = standing.reshape(-1, b), near.reshape(-1, near.shape[-1])
    ahead = near[:, None, :] - standing[:, :, None]  # (N, b, K)
    everybody = np.asarray(global_places, dtype=int)
    allowed = (abs(ahead) <= w * dilation) & ~np.isin(near, everybody)[:, None, :]  # a global key is read only once
    keys = np.concatenate((np.broadcast_to(everybody, (len(near), everybody.size)), near), axis=1)
    allowed = np.concatenate((np.ones((*standing.shape, everybody.size), dtype=bool), allowed), axis=2)
    if causal:
        allowed &= keys[:, None, :] <= standing[:, :, None]
    rows = [place - past for place in global_places if place >= past]
    return gathering(standing - past, keys, allowed, n_queries, n_keys, rows, causal)


def longformer_mask(
    n_queries: int,
    n_keys: int | None = None,
    window: int = 0,
    dilation: int = 1,
    global_places: Sequence[int] = (),
    causal: bool = False,
    xp: Any = np,
) -> Array:
    """-> (T, S) bool: the same pattern as a mask for exact attention.  S is T unless told."""
    n_keys = n_queries if n_keys is None else n_keys
    _check(n_queries, n_keys, window, dilation)
    past = n_keys - n_queries
    rows, columns = np.arange(past, n_keys)[:, None], np.arange(n_keys)
    ahead, everybody = columns - rows, list(_distinct_places(global_places, n_keys))
    mask = (abs(ahead) <= window * dilation) & (ahead % dilation == 0)
    mask |= np.isin(rows, everybody) | np.isin(columns, everybody)
    return xp.asarray(mask & (ahead <= 0) if causal else mask)


def _check(n_queries: int, n_keys: int, window: int, dilation: int) -> None:
    whole_number("window", window, 0)
    whole_number("dilation", dilation, 1)
    whole_number("the number of queries", n_queries, 0)
    if n_keys < n_queries:
        raise ValueError(f"{n_queries} queries stand at the last of only {n_keys} keys")


def _distinct_places(places: Sequence[int], n_keys: int) -> tuple[int, ...]:
    if not isinstance(places, Iterable):
        raise TypeError(f"global_places must be a sequence of places, not {places!r}")
    for place in places:
        whole_number("a global place", place)
        if not 0 <= place < n_keys:
            raise ValueError(f"global place {place} is outside a sequence of {n_keys}")
    return tuple(sorted(set(places)))


def _groups(dilation: int | Sequence[int], q: Array) -> list[tuple[slice, int]]:
    """Runs of neighbouring heads with the same dilation."""
    if not isinstance(dilation, Sequence) or isinstance(dilation, str):
        return [(slice(None), whole_number("dilation", dilation, 1))]
    n_heads = count_heads(q)
    if len(dilation) != n_heads:
        raise ValueError(f"{len(dilation)} dilations do not fit {n_heads} heads")
    stops = [h + 1 for h in range(n_heads) if h + 1 == n_heads or dilation[h] != dilation[h + 1]]
    starts = [0, *stops[:-1]]
    return [(slice(start, stop), dilation[start]) for start, stop in zip(starts, stops, strict=True)]
