"""Attention: its scores, its weights, and a loss on them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import DV, B, C, D, F, H, Rng, S, T, some_allowed
from tfx.ops.attention.additive_attention import (
    AdditiveScoresCache,
    AdditiveScoresGrads,
    additive_scores_backward,
    additive_scores_forward,
)
from tfx.ops.attention.attend import AttendCache, attend_backward, attend_backward_steps, attend_forward
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.pointing import PointingCache, pointing_backward, pointing_forward
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_backward_steps,
    attention_forward,
)
from tfx.ops.attention.soft_cap import SoftCapCache, soft_cap_backward, soft_cap_forward
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.dropout import dropout_mask


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
    Control("additive_scores", "db is taken behind the tanh", additive_scores_tanh_not_undone, additive_scores),
    Control("pointing", "the mean over examples is forgotten", pointing_without_mean, pointing),
)
