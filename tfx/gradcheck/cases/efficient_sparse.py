"""Sparse attention: windows, columns, random blocks."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.efficient.big_bird import BigBirdCache, big_bird_attention_backward, big_bird_attention_forward
from tfx.efficient.gathered_attention import (
    GatheredAttentionCache,
    gathered_attention_backward,
    gathered_attention_forward,
    gathering,
    gathering_of_mask,
)
from tfx.efficient.gathered_heads import GatheredHeadsCache, gathered_heads_backward, gathered_heads_forward
from tfx.efficient.longformer import LongformerCache, longformer_attention_backward, longformer_attention_forward
from tfx.efficient.sparse_transformer import (
    SparseTransformerCache,
    sparse_transformer_attention_backward,
    sparse_transformer_attention_forward,
)
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T, some_allowed
from tfx.nn.longformer import LongformerAttention
from tfx.ops.attention.masks import padding_mask


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


def gathered_with_whole_rows(rng: Rng) -> Problem:
    queries, keys = np.array([[0, 1, 2], [3, 4, -1]]), np.array([[0, 1, 2], [2, 3, 6]])
    table = gathering(queries, keys, np.ones((2, 3, 3), bool), T, S, rows=(1, 4), causal=True)
    fixed = {"mask": some_allowed(rng, (1, H, T, S)), "table": table}
    return Problem(gathered_attention_forward, gathered_attention_backward, heads(rng, T, S), fixed)


def longformer(rng: Rng, lead_kv: tuple[int, ...] = (B, H), n_queries: int = S, **settings: Any) -> Problem:
    inputs = heads(rng, n_queries, lead_kv=lead_kv)
    return Problem(longformer_attention_forward, longformer_attention_backward, inputs, {"window": 1, **settings})


def longformer_with_everything(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, 1, S, S))
    return longformer(rng, mask=mask, dilation=(1, 2, 2), global_places=(0, 4), causal=True, scale=0.9)


def gathered_heads(rng: Rng, lead_kv: tuple[int, ...] = (B, H)) -> Problem:
    """The first and the third head read one way, the second another."""
    ways = [gathering_of_mask(some_allowed(rng, (T, S))) for _ in range(2)]
    groups = [(slice(0, None, 2), ways[0]), (slice(1, 2), ways[1])]
    inputs = heads(rng, T, S, lead_kv)
    return Problem(gathered_heads_forward, gathered_heads_backward, inputs, {"groups": groups})


def sparse_transformer(rng: Rng, n_queries: int = S, **settings: Any) -> Problem:
    forward, backward = sparse_transformer_attention_forward, sparse_transformer_attention_backward
    return Problem(forward, backward, heads(rng, n_queries), {"stride": 3, **settings})


def big_bird(rng: Rng, n_queries: int = S, **settings: Any) -> Problem:
    fixed = {"block": 2, "n_window": 1, **settings}
    return Problem(big_bird_attention_forward, big_bird_attention_backward, heads(rng, n_queries), fixed)


def longformer_layer(rng: Rng) -> Problem:
    layer = LongformerAttention(6, H, rng, window=1, global_places=(2, 5), dilation=2)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, S, 6))}, {"mask": padding_mask([S, 4], S)})


def gathered_without_adding_copies(dout: Any, cache: GatheredAttentionCache) -> Any:
    """A key that several blocks read gets the gradient of one of them: what plain assignment by index does."""
    dq, _, dv = gathered_attention_backward(dout, cache)
    table = cache.table
    once = table._replace(order=table.order[table.starts], starts=np.arange(len(table.starts)))
    _, dk_once, _ = gathered_attention_backward(dout, cache._replace(table=once))
    return dq, dk_once, dv


def only_the_first_group(dout: Any, cache: GatheredHeadsCache) -> Any:
    return gathered_heads_backward(dout, cache._replace(groups=cache.groups[:1]))


def longformer_without_global_rows(dout: Any, cache: LongformerCache) -> Any:
    groups = tuple((one, gathered._replace(rows=None)) for one, gathered in cache.groups)
    return longformer_attention_backward(dout, cache._replace(groups=groups))


def sparse_transformer_with_swapped_heads(dout: Any, cache: SparseTransformerCache) -> Any:
    """The upstream gradient one head off: local heads get what belongs to distant ones."""
    return sparse_transformer_attention_backward(np.roll(dout, 1, axis=-3), cache)


def big_bird_without_global_rows(dout: Any, cache: BigBirdCache) -> Any:
    return big_bird_attention_backward(dout, cache._replace(rows=None))


CASES = (
    Case(gathered_attention_backward, "blocks, an empty slot, a mask", gathered),
    Case(gathered_attention_backward, "keys for all heads", lambda rng: gathered(rng, (B, 1))),
    Case(gathered_attention_backward, "blocks of one query, a blocked row", gathered_row_by_row),
    Case(gathered_attention_backward, "whole rows, a mask", gathered_with_whole_rows),
    Case(gathered_heads_backward, "two groups", gathered_heads),
    Case(gathered_heads_backward, "two groups, one head of keys", lambda rng: gathered_heads(rng, (B, 1))),
    Case(longformer_attention_backward, "window", longformer),
    Case(longformer_attention_backward, "window, global places", lambda rng: longformer(rng, global_places=(2, 5))),
    Case(longformer_attention_backward, "dilation by head, global, causal, mask", longformer_with_everything),
    Case(longformer_attention_backward, "stored keys", lambda rng: longformer(rng, n_queries=T, global_places=(1, 4))),
    Case(
        longformer_attention_backward,
        "keys for all heads, dilated",
        lambda rng: longformer(rng, (B, 1), dilation=(2, 1, 3), global_places=(3,)),
    ),
    *(
        Case(
            sparse_transformer_attention_backward,
            f"{pattern}, {part}",
            partial(sparse_transformer, pattern=pattern, part=part),
        )
        for pattern in ("strided", "fixed")
        for part in ("split", "merged")
    ),
    Case(sparse_transformer_attention_backward, "stored keys", lambda rng: sparse_transformer(rng, T, pattern="fixed")),
    Case(big_bird_attention_backward, "window, global, random", big_bird),
    Case(big_bird_attention_backward, "causal", lambda rng: big_bird(rng, causal=True, seed=3)),
    Case(big_bird_attention_backward, "stored keys, no global block", lambda rng: big_bird(rng, T, n_global=0)),
    Case(LongformerAttention, "maps for global places, padding", longformer_layer),
)

CONTROLS = (
    Control("gathered_attention", "copies of a key not added up", gathered_without_adding_copies, gathered),
    Control("gathered_heads", "only the first group", only_the_first_group, gathered_heads),
    Control(
        "longformer_attention",
        "without the rows of global queries",
        longformer_without_global_rows,
        lambda rng: longformer(rng, global_places=(2, 5)),
    ),
    Control(
        "sparse_transformer_attention",
        "local and distant heads swapped",
        sparse_transformer_with_swapped_heads,
        sparse_transformer,
    ),
    Control("big_bird_attention", "without the rows of global queries", big_bird_without_global_rows, big_bird),
)
