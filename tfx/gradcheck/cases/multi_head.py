"""Heads: side by side, shared, turned, after stored keys and values."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import DV, B, C, D, F, H, Rng, S, T, V
from tfx.ops.attention.grouped_attention import (
    GroupedAttentionGrads,
    grouped_attention_backward,
    grouped_attention_forward,
)
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.multi_head import (
    KeyValue,
    MeanHeadsCache,
    MultiHeadCache,
    MultiHeadGrads,
    Rotation,
    mean_heads_backward,
    mean_heads_forward,
    merge_heads,
    multi_head_attention_backward,
    multi_head_attention_forward,
    split_heads,
)
from tfx.ops.basics.dropout import dropout_mask
from tfx.ops.basics.linear import linear_backward
from tfx.ops.positions.rotary import rotary_tables


def multi_head(rng: Rng, bias: bool = True, n_keys: int = S, n_kv_heads: int = H, **fixed: Any) -> Problem:
    inputs = {"x_q": rng.standard_normal((B, T, C)), "x_kv": rng.standard_normal((B, n_keys, C))}
    widths = {"w_q": C, "w_k": C // H * n_kv_heads, "w_v": C // H * n_kv_heads, "w_o": C}
    inputs |= {name: 0.4 * rng.standard_normal((C, width)) for name, width in widths.items()}
    if bias:
        inputs |= {name.replace("w", "b"): rng.standard_normal(width) for name, width in widths.items()}
    settings = {"n_heads": H, "n_kv_heads": n_kv_heads, **fixed}
    return Problem(multi_head_attention_forward, multi_head_attention_backward, inputs, settings)


def multi_head_other_values(rng: Rng) -> Problem:
    """Queries, keys and values from three inputs of three widths, four heads wider than the model, and a bias."""
    shapes = {"x_q": (B, T, D), "x_kv": (B, S, F), "w_q": (D, 2 * H), "w_k": (F, 2 * H), "w_v": (V, DV * H)}
    shapes |= {"w_o": (DV * H, C), "x_v": (B, S, V), "bias": (H, T, S)}
    inputs = {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}
    return Problem(multi_head_attention_forward, multi_head_attention_backward, inputs, {"n_heads": H})


def multi_head_rotary(rng: Rng) -> Problem:
    problem = multi_head(rng, n_keys=T, mask=causal_mask(T))

    def forward(cos: Any, sin: Any, **given: Any) -> tuple[Any, Any]:
        return multi_head_attention_forward(**given, rotation=Rotation(cos, sin, "pairs"))

    cos, sin = rotary_tables(np.arange(4, 4 + T), 2)
    return problem._replace(forward=forward, fixed={**problem.fixed, "cos": cos, "sin": sin})


def multi_head_past(rng: Rng, lead: tuple[int, ...] = (B,), n_kv_heads: int = H) -> Problem:
    """Two tokens were read before; with lead (1,) every sequence of the batch has the same ones."""
    problem = multi_head(rng, n_kv_heads=n_kv_heads)
    stored = {name: rng.standard_normal((*lead, n_kv_heads, 2, C // H)) for name in ("past_k", "past_v")}

    def forward(past_k: Any, past_v: Any, **given: Any) -> tuple[Any, Any]:
        return multi_head_attention_forward(**given, past=KeyValue(past_k, past_v))

    def backward(dy: Any, cache: Any) -> Any:
        grads: Any = multi_head_attention_backward(dy, cache)
        return *grads[: len(problem.inputs)], grads.dpast.k, grads.dpast.v

    mask = causal_mask(T, 2 + S, past=2 + S - T)
    return Problem(forward, backward, {**problem.inputs, **stored}, {**problem.fixed, "mask": mask})


def mean_heads(rng: Rng) -> Problem:
    return Problem(mean_heads_forward, mean_heads_backward, {"weights": rng.standard_normal((B, H, T, S))})


def multi_head_merged_without_swapping(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    heads = cache.attention.q
    dmerged, _, _ = linear_backward(dy, cache.output)
    dq = grouped_attention_backward(split_heads(dmerged, heads.shape[-3]), cache.attention).dq
    dx_q, dw_q, db_q = linear_backward(dq.reshape(cache.query.x.shape), cache.query)
    return right._replace(dx_q=dx_q, dw_q=dw_q, db_q=db_q)


def mean_heads_summed(dmean: Any, cache: MeanHeadsCache) -> Any:
    return mean_heads_backward(dmean, cache) * cache.n_heads


def multi_head_one_query_head_only(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    """Of the query heads that share a key head, only the first sends something back."""
    right = multi_head_attention_backward(dy, cache)
    dfirst = split_heads(linear_backward(dy, cache.output)[0], H).copy()
    dfirst[:, 1:] = 0
    dk = grouped_attention_backward(dfirst, cache.attention).dk
    return right._replace(dw_k=linear_backward(merge_heads(dk), cache.key)[1])


def grouped(rng: Rng, n_heads: int = 6, n_groups: int = 2, bias: tuple[int, ...] = (6, T, S), **fixed: Any) -> Problem:
    shapes = {"q": (B, n_heads, T, D), "k": (B, n_groups, S, D), "v": (B, n_groups, S, DV), "bias": bias}
    inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return Problem(grouped_attention_forward, grouped_attention_backward, inputs, fixed)


def grouped_mean_of_the_group(dout: Any, cache: Any) -> GroupedAttentionGrads:
    """Keys that three query heads read get the mean of what they send back."""
    right = grouped_attention_backward(dout, cache)
    return right._replace(dk=right.dk / 3)


def multi_head_keys_forgotten(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    dkeys = multi_head_attention_backward(dy, cache._replace(value=cache.value._replace(w=0 * cache.value.w))).dx_kv
    return right._replace(dx_kv=right.dx_kv - dkeys)


CASES: tuple[Case, ...] = (
    Case(multi_head_attention_backward, "cross, padding", partial(multi_head, mask=padding_mask([S, 3], S))),
    Case(multi_head_attention_backward, "causal", partial(multi_head, n_keys=T, mask=causal_mask(T))),
    Case(multi_head_attention_backward, "no bias", partial(multi_head, bias=False)),
    Case(
        multi_head_attention_backward,
        "dropout",
        lambda rng: multi_head(rng, dropout=dropout_mask((B, H, T, S), 0.3, rng)),
    ),
    Case(multi_head_attention_backward, "three sources, bias on the scores", multi_head_other_values),
    Case(multi_head_attention_backward, "rotary positions, causal", multi_head_rotary),
    Case(multi_head_attention_backward, "multi-query", partial(multi_head, n_kv_heads=1)),
    Case(multi_head_attention_backward, "past keys and values", multi_head_past),
    Case(
        multi_head_attention_backward,
        "one past for all",
        partial(multi_head_past, lead=(1,), n_kv_heads=1),
    ),
    Case(mean_heads_backward, "three heads", mean_heads),
    Case(grouped_attention_backward, "six heads over two", grouped),
    Case(grouped_attention_backward, "one for all, soft cap", partial(grouped, n_groups=1, bias=(T, S), soft_cap=2.0)),
    Case(grouped_attention_backward, "as many", partial(grouped, n_groups=6, bias=(B, 1, T, S))),
    Case(
        grouped_attention_backward,
        "mask and dropout of each head",
        lambda rng: grouped(
            rng, bias=(B, 1, T, S), mask=rng.random((B, 6, T, S)) < 0.7, dropout=dropout_mask((B, 6, T, S), 0.3, rng)
        ),
    ),
)

CONTROLS: tuple[Control, ...] = (
    Control(
        "multi_head_attention",
        "heads are merged without swapping the axes back",
        multi_head_merged_without_swapping,
        multi_head,
    ),
    Control(
        "multi_head_attention",
        "a shared key head hears from one query head only",
        multi_head_one_query_head_only,
        partial(multi_head, n_kv_heads=1),
    ),
    Control("multi_head_attention", "the keys' share of dx_kv is lost", multi_head_keys_forgotten, multi_head),
    Control("grouped_attention", "a shared key head gets a mean, not a sum", grouped_mean_of_the_group, grouped),
    Control("mean_heads", "the mean is taken for a sum", mean_heads_summed, mean_heads),
)
