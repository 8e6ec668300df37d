"""Cases for every pure pair of tfx.ops, with sizes that are odd and all different, so that no mix-up of axes fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem
from tfx.ops.activations import (
    gelu_backward,
    gelu_forward,
    gelu_tanh_backward,
    gelu_tanh_forward,
    relu_backward,
    relu_forward,
)
from tfx.ops.additive_attention import additive_scores_backward, additive_scores_forward
from tfx.ops.attention import attention_backward, attention_forward
from tfx.ops.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.dropout import dropout_backward, dropout_forward, dropout_mask
from tfx.ops.embedding import embedding_backward, embedding_forward, tied_logits_backward, tied_logits_forward
from tfx.ops.feed_forward import feed_forward_backward, feed_forward_forward
from tfx.ops.layer_norm import layer_norm_backward, layer_norm_forward
from tfx.ops.linear import linear_backward, linear_forward
from tfx.ops.masks import causal_mask, padding_mask
from tfx.ops.multi_head import multi_head_attention_backward, multi_head_attention_forward
from tfx.ops.pointing import pointing_backward, pointing_forward
from tfx.ops.positions import add_positions_backward, add_positions_forward
from tfx.ops.rnn import rnn_backward, rnn_forward
from tfx.ops.softmax import softmax_backward, softmax_forward

Rng = np.random.Generator

B, H, T, S, D, DV, C, F, V = 2, 3, 5, 7, 4, 2, 9, 11, 8  # C = H * 3


def softmax(rng: Rng, axis: int = -1, scale: float = 1.0, blocked: bool = False) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    if not blocked:
        return Problem(softmax_forward, softmax_backward, {"x": x}, {"axis": axis})
    allowed = _some_allowed(rng, (B, T, S))
    allowed[1, 2] = False
    return Problem(_blocked_softmax_forward, softmax_backward, {"x": x}, {"allowed": allowed})


def _blocked_softmax_forward(x: Any, allowed: Any) -> tuple[Any, Any]:
    return softmax_forward(xp_of(x).where(allowed, x, -math.inf).astype(x.dtype))


def linear(rng: Rng, lead: tuple[int, ...] = (B, T), bias: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((*lead, C)), "w": rng.standard_normal((C, F))}
    if bias:
        inputs["b"] = rng.standard_normal(F)
    return Problem(linear_forward, linear_backward, inputs)


def attention(rng: Rng, n_keys: int = S, lead_kv: tuple[int, ...] = (B, H), **fixed: Any) -> Problem:
    inputs = {
        "q": rng.standard_normal((B, H, T, D)),
        "k": rng.standard_normal((*lead_kv, n_keys, D)),
        "v": rng.standard_normal((*lead_kv, n_keys, DV)),
    }
    return Problem(attention_forward, attention_backward, inputs, fixed)


def attention_random_mask(rng: Rng, blocked_row: bool = False) -> Problem:
    mask = _some_allowed(rng, (B, H, T, S))
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

    return Problem(forward, backward, attention(rng).inputs, {"mask": _some_allowed(rng, (B, H, T, S))})


def multi_head(rng: Rng, bias: bool = True, n_keys: int = S, **fixed: Any) -> Problem:
    inputs = {"x_q": rng.standard_normal((B, T, C)), "x_kv": rng.standard_normal((B, n_keys, C))}
    inputs |= {name: 0.4 * rng.standard_normal((C, C)) for name in ("w_q", "w_k", "w_v", "w_o")}
    if bias:
        inputs |= {name: rng.standard_normal(C) for name in ("b_q", "b_k", "b_v", "b_o")}
    return Problem(multi_head_attention_forward, multi_head_attention_backward, inputs, {"n_heads": H, **fixed})


def additive_scores(rng: Rng) -> Problem:
    inputs = {"q": rng.standard_normal((B, T, D)), "k": rng.standard_normal((B, S, C))}
    inputs |= {"w_q": rng.standard_normal((D, F)), "w_k": rng.standard_normal((C, F))}
    inputs |= {"b": rng.standard_normal(F), "v": rng.standard_normal(F)}
    return Problem(additive_scores_forward, additive_scores_backward, inputs)


def rnn(rng: Rng, steps: int = T) -> Problem:
    inputs = {"x": rng.standard_normal((B, steps, D)), "h0": rng.standard_normal((B, C))}
    inputs |= {"w_x": rng.standard_normal((D, C)), "w_h": 0.4 * rng.standard_normal((C, C))}
    inputs["b"] = rng.standard_normal(C)
    return Problem(rnn_forward, rnn_backward, inputs)


def add_positions(rng: Rng, start: int = 0) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((S, C))}
    return Problem(add_positions_forward, add_positions_backward, inputs, {"start": start})


def layer_norm(rng: Rng, eps: float = 1e-5, scale: float = 1.0) -> Problem:
    inputs = {
        "x": scale * rng.standard_normal((B, T, C)) + 0.5,
        "gamma": 1.0 + 0.5 * rng.standard_normal(C),
        "beta": rng.standard_normal(C),
    }
    return Problem(layer_norm_forward, layer_norm_backward, inputs, {"eps": eps})


def activation(rng: Rng, forward: Callable[..., Any], backward: Callable[..., Any], scale: float = 1.0) -> Problem:
    return Problem(forward, backward, {"x": _off_zero(scale * rng.standard_normal((B, T, C)))})


def feed_forward(rng: Rng, name: str, bias: bool = True) -> Problem:
    """Small, because it is drawn again until no unit of a relu is near its kink."""
    lead, width, hidden = (B, 3), 4, 5
    while True:
        x, w1, w2 = (rng.standard_normal(shape) for shape in ((*lead, width), (width, hidden), (hidden, width)))
        b1, b2 = (rng.standard_normal(hidden), rng.standard_normal(width)) if bias else (None, None)
        if name != "relu" or np.abs(linear_forward(x, w1, b1)[0]).min() > 0.1:
            break
    inputs = {"x": x, "w1": w1, "w2": w2} | ({"b1": b1, "b2": b2} if bias else {})
    fixed: dict[str, Any] = {"activation": name} | ({} if bias else {"b1": None, "b2": None})
    return Problem(feed_forward_forward, feed_forward_backward, inputs, fixed)


def dropout(rng: Rng, rate: float | None = 0.4, shape: tuple[int, ...] = (B, T, C)) -> Problem:
    multiplier = None if rate is None else dropout_mask(shape, rate, rng)
    x = rng.standard_normal((B, T, C))
    return Problem(dropout_forward, dropout_backward, {"x": x}, {"multiplier": multiplier})


def embedding(rng: Rng, repeated: bool = False) -> Problem:
    ids = np.array([[3, 3, 0], [3, 1, 3]]) if repeated else rng.permutation(V)[: B * 3].reshape(B, 3)
    return Problem(embedding_forward, embedding_backward, {"table": rng.standard_normal((V, C))}, {"ids": ids})


def tied_logits(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((V, C))}
    return Problem(tied_logits_forward, tied_logits_backward, inputs)


def cross_entropy(rng: Rng, smoothing: float = 0.0, kept: int | None = None, scale: float = 1.0) -> Problem:
    """kept: how many of the B * T tokens count; all without a `keep` when None."""
    targets = rng.integers(0, V, (B, T))
    keep = None
    if kept is not None:
        keep = (rng.permutation(B * T) < kept).reshape(B, T)
        targets = np.where(keep, targets, -100)
    fixed = {"targets": targets, "smoothing": smoothing, "keep": keep}
    logits = scale * rng.standard_normal((B, T, V))
    return Problem(cross_entropy_forward, cross_entropy_backward, {"logits": logits}, fixed)


def pointing(rng: Rng, smoothing: float = 0.0) -> Problem:
    """The weights need not sum to 1 for the derivative to be right."""
    weights = 0.1 + rng.random((B, H, T, S))
    fixed = {"rows": rng.integers(0, T, B), "targets": rng.integers(0, 3, B), "smoothing": smoothing}
    if smoothing:
        fixed["keep"] = np.arange(S) < np.array([[S], [4]])
    return Problem(pointing_forward, pointing_backward, {"weights": weights}, fixed)


def _some_allowed(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """A random mask with about two thirds allowed, and in every row at least one key."""
    mask = rng.random(shape) < 0.67
    mask[..., 0] = True
    return mask


def _off_zero(x: np.ndarray) -> np.ndarray:
    """x moved away from 0, where relu has a kink."""
    return x + np.where(x < 0, -0.1, 0.1)


OP_CASES: tuple[Case, ...] = (
    Case(softmax_backward, "last axis", softmax),
    Case(softmax_backward, "middle axis", partial(softmax, axis=1)),
    Case(softmax_backward, "scores 30 times larger", partial(softmax, scale=30.0)),
    Case(softmax_backward, "blocked entries, one row of them", partial(softmax, blocked=True)),
    Case(linear_backward, "batch of sequences", linear),
    Case(linear_backward, "no bias", partial(linear, bias=False)),
    Case(linear_backward, "one vector", partial(linear, lead=())),
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
    Case(multi_head_attention_backward, "cross, padding", partial(multi_head, mask=padding_mask([S, 3], S))),
    Case(multi_head_attention_backward, "causal", partial(multi_head, n_keys=T, mask=causal_mask(T))),
    Case(multi_head_attention_backward, "no bias", partial(multi_head, bias=False)),
    Case(
        multi_head_attention_backward,
        "dropout",
        lambda rng: multi_head(rng, dropout=dropout_mask((B, H, T, S), 0.3, rng)),
    ),
    Case(additive_scores_backward, "cross, keys of another width", additive_scores),
    Case(rnn_backward, "five steps", rnn),
    Case(rnn_backward, "one step", partial(rnn, steps=1)),
    Case(add_positions_backward, "learned table", add_positions),
    Case(add_positions_backward, "starting at 2", partial(add_positions, start=2)),
    Case(layer_norm_backward, "random gain and offset", layer_norm),
    Case(layer_norm_backward, "eps as large as the variance", partial(layer_norm, eps=0.7)),
    Case(layer_norm_backward, "inputs 50 times larger", partial(layer_norm, scale=50.0)),
    Case(relu_backward, "away from 0", partial(activation, forward=relu_forward, backward=relu_backward)),
    Case(gelu_backward, "around 0", partial(activation, forward=gelu_forward, backward=gelu_backward)),
    Case(gelu_backward, "wide", partial(activation, forward=gelu_forward, backward=gelu_backward, scale=3.0)),
    Case(gelu_tanh_backward, "around 0", partial(activation, forward=gelu_tanh_forward, backward=gelu_tanh_backward)),
    Case(
        gelu_tanh_backward,
        "wide",
        partial(activation, forward=gelu_tanh_forward, backward=gelu_tanh_backward, scale=3.0),
    ),
    Case(feed_forward_backward, "gelu", partial(feed_forward, name="gelu")),
    Case(feed_forward_backward, "gelu_tanh", partial(feed_forward, name="gelu_tanh")),
    Case(feed_forward_backward, "relu", partial(feed_forward, name="relu")),
    Case(feed_forward_backward, "no bias", partial(feed_forward, name="gelu", bias=False)),
    Case(dropout_backward, "rate 0.4", dropout),
    Case(dropout_backward, "one mask for the batch", partial(dropout, shape=(1, T, C))),
    Case(dropout_backward, "evaluation", partial(dropout, rate=None)),
    Case(embedding_backward, "different ids", embedding),
    Case(embedding_backward, "one id four times", partial(embedding, repeated=True)),
    Case(tied_logits_backward, "batch of sequences", tied_logits),
    Case(cross_entropy_backward, "plain", cross_entropy),
    Case(cross_entropy_backward, "smoothing 0.1", partial(cross_entropy, smoothing=0.1)),
    Case(cross_entropy_backward, "six of ten tokens kept", partial(cross_entropy, kept=6)),
    Case(cross_entropy_backward, "smoothing and keep", partial(cross_entropy, smoothing=0.2, kept=6)),
    Case(cross_entropy_backward, "no token kept", partial(cross_entropy, kept=0)),
    Case(cross_entropy_backward, "logits 20 times larger", partial(cross_entropy, scale=20.0)),
    Case(pointing_backward, "one row each", pointing),
    Case(pointing_backward, "smoothed, with padding", partial(pointing, smoothing=0.1)),
)
