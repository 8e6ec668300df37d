"""Sparse attention: windows, columns, random blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.gathered_attention import (
    GatheredAttentionCache,
    gathered_attention_backward,
    gathered_attention_forward,
    gathering,
    gathering_of_mask,
)
from tfx.efficient.longformer import LongformerCache, longformer_attention_backward, longformer_attention_forward
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T, some_allowed


def heads(rng: Rng, n_queries: int = S, n_keys: int = S, lead_kv: tuple[int, ...] = (B, H)) -> dict[str, Any]:
    """q: (B, H, T, D), k: (..., S, D), v: (..., S, Dv); as many queries as keys unless told."""
    return {
        "q": rng.standard_normal((B, H, n_queries, D)),
        "k": rng.standard_normal((*lead_kv, n_keys, D)),
        "v": rng.standard_normal((*lead_kv, n_keys, DV)),
    }


def gathered(rng: Rng, lead_kv: tuple[int, ...] = (B, H)) -> Problem:
    """Two blocks of three slots, one of them empty; keys that are read twice, and one that nobody reads."""
    queries, keys = np.array([[4, 0, 2], [1, -1, 3]]), np.array([[0, 1, 5, 6], [6, 1, -1, 2]])
    table = gathering(queries, keys, some_allowed(rng, (2, 3, 4)), T, S)
    fixed = {"mask": some_allowed(rng, (B, 1, T, S)), "table": table}
    return Problem(gathered_attention_forward, gathered_attention_backward, heads(rng, T, S, lead_kv), fixed)


def gathered_row_by_row(rng: Rng) -> Problem:
    mask = some_allowed(rng, (T, S))
    mask[2] = False
    fixed = {"table": gathering_of_mask(mask), "scale": 0.9}
    return Problem(gathered_attention_forward, gathered_attention_backward, heads(rng, T, S), fixed)


def longformer(rng: Rng, lead_kv: tuple[int, ...] = (B, H), n_queries: int = S, **settings: Any) -> Problem:
    inputs = heads(rng, n_queries, lead_kv=lead_kv)
    return Problem(longformer_attention_forward, longformer_attention_backward, inputs, {"window": 1, **settings})


def longformer_with_everything(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, 1, S, S))
    return longformer(rng, mask=mask, dilation=(1, 2, 2), global_places=(0, 4), causal=True, scale=0.9)


def gathered_without_adding_copies(dout: Any, cache: GatheredAttentionCache) -> Any:
    """A key that several blocks read gets the gradient of one of them: what plain assignment by index does."""
    dq, _, dv = gathered_attention_backward(dout, cache)
    table = cache.table
    once = table._replace(order=table.order[table.starts], starts=np.arange(len(table.starts)))
    _, dk_once, _ = gathered_attention_backward(dout, cache._replace(table=once))
    return dq, dk_once, dv


def longformer_without_global_rows(dout: Any, cache: LongformerCache) -> Any:
    return longformer_attention_backward(dout, cache._replace(global_rows=None))


CASES = (
    Case(gathered_attention_backward, "blocks, an empty slot, a mask", gathered),
    Case(gathered_attention_backward, "keys for all heads", lambda rng: gathered(rng, (B, 1))),
    Case(gathered_attention_backward, "blocks of one query, a blocked row", gathered_row_by_row),
    Case(longformer_attention_backward, "window", longformer),
    Case(longformer_attention_backward, "window, global places", lambda rng: longformer(rng, global_places=(2, 5))),
    Case(longformer_attention_backward, "dilation by head, global, causal, mask", longformer_with_everything),
    Case(longformer_attention_backward, "stored keys", lambda rng: longformer(rng, n_queries=T, global_places=(1, 4))),
    Case(
        longformer_attention_backward,
        "keys for all heads, dilated",
        lambda rng: longformer(rng, (B, 1), dilation=(2, 1, 3), global_places=(3,)),
    ),
)

CONTROLS = (
    Control("gathered_attention", "copies of a key not added up", gathered_without_adding_copies, gathered),
    Control(
        "longformer_attention",
        "without the rows of global queries",
        longformer_without_global_rows,
        lambda rng: longformer(rng, global_places=(2, 5)),
    ),
)
