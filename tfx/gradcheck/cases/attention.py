"""Attention: its scores, its heads, and a loss on its weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import DV, B, C, D, F, H, Rng, S, T, V, some_allowed
from tfx.ops.additive_attention import (
    AdditiveScoresCache,
    AdditiveScoresGrads,
    additive_scores_backward,
    additive_scores_forward,
)
from tfx.ops.attend import AttendCache, attend_backward, attend_backward_steps, attend_forward, fold
from tfx.ops.attention import AttentionCache, attention_backward, attention_backward_steps, attention_forward
from tfx.ops.dropout import dropout_mask
from tfx.ops.linear import linear_backward
from tfx.ops.masks import causal_mask, padding_mask
from tfx.ops.multi_head import (
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
from tfx.ops.pointing import PointingCache, pointing_backward, pointing_forward
from tfx.ops.rotary import rotary_tables
from tfx.ops.soft_cap import SoftCapCache, soft_cap_backward, soft_cap_forward


def attention(rng: Rng, n_keys: int = S, lead_kv: tuple[int, ...] = (B, H), **fixed: Any) -> Problem:
    inputs = {
        "q": rng.standard_normal((B, H, T, D)),
        "k": rng.standard_normal((*lead_kv, n_keys, D)),
        "v": rng.standard_normal((*lead_kv, n_keys, DV)),
    }
    return Problem(attention_forward, attention_backward, inputs, fixed)


def attention_random_mask(rng: Rng, blocked_row: bool = False) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    if blocked_row:
        mask[0, 1, 2] = False
        mask[1, :, 4] = False
    return attention(rng, mask=mask)


def attention_dropout(rng: Rng) -> Problem:
    return attention(rng, dropout=dropout_mask((B, H, T, S), 0.3, rng), mask=padding_mask([S, 3], S))


def attention_dweights(rng: Rng) -> Problem:
    """A loss that reads the weights as well as the output: both enter as one output, side by side."""

    def forward(q: Any, k: Any, v: Any, mask: Any) -> tuple[Any, Any]:
        out, cache = attention_forward(q, k, v, mask)
        return xp_of(q).concatenate((out, cache.weights), axis=-1), cache

    def backward(dy: Any, cache: Any) -> Any:
        return attention_backward(dy[..., :DV], cache, dy[..., DV:])

    return Problem(forward, backward, attention(rng).inputs, {"mask": some_allowed(rng, (B, H, T, S))})


def attend(rng: Rng, blocked_row: bool = False) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    if blocked_row:
        mask[0, 1, 2] = False
    inputs = {"scores": rng.standard_normal((B, H, T, S)), "v": rng.standard_normal((B, H, S, DV))}
    return Problem(attend_forward, attend_backward, inputs, {"mask": mask})


def soft_cap(rng: Rng, cap: float) -> Problem:
    return Problem(soft_cap_forward, soft_cap_backward, {"x": rng.standard_normal((B, T, S))}, {"cap": cap})


def attention_with_bias(rng: Rng, shape: tuple[int, ...] = (H, T, S), **fixed: Any) -> Problem:
    problem = attention(rng, mask=some_allowed(rng, (B, H, T, S)), **fixed)

    def backward(dout: Any, cache: Any) -> Any:
        grads = attention_backward_steps(dout, cache)
        return grads.dq, grads.dk, grads.dv, grads.dbias

    bias = rng.standard_normal(shape)
    return problem._replace(backward=backward, inputs={**problem.inputs, "bias": bias})


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


def additive_scores(rng: Rng) -> Problem:
    inputs = {"q": rng.standard_normal((B, T, D)), "k": rng.standard_normal((B, S, C))}
    inputs |= {"w_q": rng.standard_normal((D, F)), "w_k": rng.standard_normal((C, F))}
    inputs |= {"b": rng.standard_normal(F), "v": rng.standard_normal(F)}
    return Problem(additive_scores_forward, additive_scores_backward, inputs)


def pointing(rng: Rng, smoothing: float = 0.0) -> Problem:
    """The weights need not sum to 1 for the derivative to be right."""
    weights = 0.1 + rng.random((B, H, T, S))
    fixed = {"rows": rng.integers(0, T, B), "targets": rng.integers(0, 3, B), "smoothing": smoothing}
    if smoothing:
        fixed["keep"] = np.arange(S) < np.array([[S], [4]])
    return Problem(pointing_forward, pointing_backward, {"weights": weights}, fixed)


def attention_without_scale(dout: Any, cache: AttentionCache) -> Any:
    dq, dk, dv = attention_backward(dout, cache)
    return dq / cache.scale, dk / cache.scale, dv


def attention_keys_not_transposed(dout: Any, cache: AttentionCache) -> Any:
    steps = attention_backward_steps(dout, cache)
    return steps.dq, steps.ds @ cache.q * cache.scale, steps.dv


def attention_values_ignore_dropout(dout: Any, cache: AttentionCache) -> Any:
    dq, dk, _ = attention_backward(dout, cache)
    return dq, dk, cache.weights.swapaxes(-1, -2) @ dout


def attention_softmax_left_out(dout: Any, cache: AttentionCache) -> Any:
    steps = attention_backward_steps(dout, cache)
    return steps.dp @ cache.k * cache.scale, steps.dp.swapaxes(-1, -2) @ cache.q * cache.scale, steps.dv


def attend_softmax_left_out(dout: Any, cache: AttendCache) -> Any:
    steps = attend_backward_steps(dout, cache)
    return steps.dp, steps.dv


def soft_cap_not_undone(dy: Any, cache: SoftCapCache) -> Any:
    return dy


def attention_bias_before_the_cap(dout: Any, cache: AttentionCache) -> Any:
    """The gradient of the bias is taken in front of the cap, though the bias is added behind it."""
    steps = attention_backward_steps(dout, cache)
    return steps.dq, steps.dk, steps.dv, fold(steps.ds, cache.bias)


def multi_head_merged_without_swapping(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    heads = cache.attention.q
    dmerged, _, _ = linear_backward(dy, cache.output)
    dq, _, _ = attention_backward(split_heads(dmerged, heads.shape[-3]), cache.attention)
    dx_q, dw_q, db_q = linear_backward(dq.reshape(cache.query.x.shape), cache.query)
    return right._replace(dx_q=dx_q, dw_q=dw_q, db_q=db_q)


def mean_heads_summed(dmean: Any, cache: MeanHeadsCache) -> Any:
    return mean_heads_backward(dmean, cache) * cache.n_heads


def multi_head_one_query_head_only(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    """Of the query heads that share a key head, only the first sends something back."""
    right = multi_head_attention_backward(dy, cache)
    heads = split_heads(linear_backward(dy, cache.output)[0], H)
    dk = attention_backward_steps(heads, cache.attention).dk[:, :1]
    return right._replace(dw_k=linear_backward(merge_heads(dk), cache.key)[1])


def multi_head_keys_forgotten(dy: Any, cache: MultiHeadCache) -> MultiHeadGrads:
    right = multi_head_attention_backward(dy, cache)
    dkeys = multi_head_attention_backward(dy, cache._replace(value=cache.value._replace(w=0 * cache.value.w))).dx_kv
    return right._replace(dx_kv=right.dx_kv - dkeys)


def additive_scores_tanh_not_undone(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    right = additive_scores_backward(dscores, cache)
    dz = dscores[..., None] * cache.v
    return right._replace(db=dz.reshape(-1, dz.shape[-1]).sum(axis=0))


def pointing_without_mean(dloss: Any, cache: PointingCache) -> Any:
    return pointing_backward(dloss, cache) * len(cache.weights)


_CAUSAL = partial(attention, n_keys=T, mask=causal_mask(T))


CASES: tuple[Case, ...] = (
    Case(attention_backward, "cross", attention),
    Case(attention_backward, "self, causal", partial(attention, n_keys=T, mask=causal_mask(T))),
    Case(attention_backward, "causal after stored keys", partial(attention, mask=causal_mask(T, S, past=S - T))),
    Case(attention_backward, "padding", partial(attention, mask=padding_mask([S, 3], S))),
    Case(attention_backward, "random mask", attention_random_mask),
    Case(attention_backward, "fully blocked rows", partial(attention_random_mask, blocked_row=True)),
    Case(attention_backward, "scale 1.7", partial(attention, scale=1.7)),
    Case(attention_backward, "dropout", attention_dropout),
    Case(attention_backward, "keys shared by heads and batch", partial(attention, lead_kv=(1, 1))),
    Case(attention_backward, "keys without leading axes", partial(attention, lead_kv=())),
    Case(attention_backward, "loss on the weights too", attention_dweights),
    Case(attention_backward, "bias for each head", attention_with_bias),
    Case(attention_backward, "one bias row for all", partial(attention_with_bias, shape=(1, S))),
    Case(attention_backward, "bias and soft cap", partial(attention_with_bias, soft_cap=0.9)),
    Case(attend_backward, "random mask", attend),
    Case(attend_backward, "a fully blocked row", partial(attend, blocked_row=True)),
    Case(soft_cap_backward, "cap 0.7", partial(soft_cap, cap=0.7)),
    Case(soft_cap_backward, "cap 50", partial(soft_cap, cap=50.0)),
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
    Case(additive_scores_backward, "cross, keys of another width", additive_scores),
    Case(pointing_backward, "one row each", pointing),
    Case(pointing_backward, "smoothed, with padding", partial(pointing, smoothing=0.1)),
)

CONTROLS: tuple[Control, ...] = (
    Control("attention", "the scale is left out of dQ and dK", attention_without_scale, attention),
    Control("attention", "dK = dS Q instead of dS^T Q", attention_keys_not_transposed, _CAUSAL),
    Control("attention", "dV uses the weights before dropout", attention_values_ignore_dropout, attention_dropout),
    Control("attention", "the softmax is not undone", attention_softmax_left_out, attention),
    Control("attend", "the softmax is not undone", attend_softmax_left_out, attend),
    Control("soft_cap", "the tanh is not undone", soft_cap_not_undone, partial(soft_cap, cap=0.7)),
    Control(
        "attention",
        "dbias is taken in front of the soft cap",
        attention_bias_before_the_cap,
        partial(attention_with_bias, soft_cap=0.9),
    ),
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
    Control("mean_heads", "the mean is taken for a sum", mean_heads_summed, mean_heads),
    Control("additive_scores", "db is taken behind the tanh", additive_scores_tanh_not_undone, additive_scores),
    Control("pointing", "the mean over examples is forgotten", pointing_without_mean, pointing),
)
