"""Attention in a few lines: scores, weights, output, and the way back.

T queries and S keys of width D, values of width Dv.
Derivations: ops/attention/scaled_dot_product.py and ops/attention/additive_attention.py.
"""

from __future__ import annotations

import math

import numpy as np

from tfx.backend import Array
from tfx.ops.attention.additive_attention import additive_scores_backward, additive_scores_forward
from tfx.ops.attention.attend import attend_backward, attend_backward_steps, attend_forward
from tfx.ops.attention.scaled_dot_product import (
    attention_backward,
    attention_backward_steps,
    attention_forward,
    attention_scores,
)
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import DV, A, C, D, S, T


def some_mask(rng: np.random.Generator) -> Array:
    """(T, S) booleans; every query may look at some key."""
    mask = rng.random((T, S)) < 0.6
    mask[:, 1] = True
    return mask


def queries_keys_values(rng: np.random.Generator) -> tuple[Array, Array, Array]:
    return rng.standard_normal((T, D)), rng.standard_normal((S, D)), rng.standard_normal((S, DV))


def _scores(rng: np.random.Generator) -> Trial:
    q, k, _ = queries_keys_values(rng)
    return Trial((q, k), attention_scores(q, k, 1 / math.sqrt(D))[0])


@short_of(attention_scores, _scores)
def scaled_scores(q: Array, k: Array) -> Array:
    raw = q @ k.T  # (T, D) x (D, S) -> (T, S)
    return raw / math.sqrt(q.shape[-1])  # (T, S) -> (T, S)


def _output(rng: np.random.Generator) -> Trial:
    return on(attend_forward, 3 * rng.standard_normal((T, S)), rng.standard_normal((S, DV)), some_mask(rng))


@short_of(attend_forward, _output)
def output(scores: Array, v: Array, mask: Array) -> Array:
    seen = np.where(mask, scores, -np.inf)  # blocked: -inf
    exps = np.exp(seen - seen.max(-1, keepdims=True))  # (T, S), blocked: 0
    weights = exps / exps.sum(-1, keepdims=True)  # each row sums to 1
    return weights @ v  # (T, S) x (S, Dv) -> (T, Dv)


@short_of(attention_forward, lambda rng: on(attention_forward, *queries_keys_values(rng), some_mask(rng)))
def attention(q: Array, k: Array, v: Array, mask: Array) -> Array:
    scores = q @ k.T / math.sqrt(q.shape[-1])  # (T, D) x (D, S) -> (T, S)
    scores = np.where(mask, scores, -np.inf)  # blocked: -inf
    exps = np.exp(scores - scores.max(-1, keepdims=True))
    weights = exps / exps.sum(-1, keepdims=True)  # each row sums to 1
    return weights @ v  # (T, S) x (S, Dv) -> (T, Dv)


def _self_attention(rng: np.random.Generator) -> Trial:
    x, w_q, w_k, w_v = (rng.standard_normal(shape) for shape in ((T, C), (C, D), (C, D), (C, DV)))
    return on(self_attention_forward, x, w_q, w_k, w_v)


@short_of(self_attention_forward, _self_attention)
def self_attention(x: Array, w_q: Array, w_k: Array, w_v: Array) -> Array:
    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (T, C) x (C, D) -> (T, D)
    scores = q @ k.T / math.sqrt(q.shape[-1])  # (T, D) x (D, T) -> (T, T)
    exps = np.exp(scores - scores.max(-1, keepdims=True))
    weights = exps / exps.sum(-1, keepdims=True)  # each row sums to 1
    return weights @ v  # (T, T) x (T, Dv) -> (T, Dv)


def _attend_back(rng: np.random.Generator) -> Trial:
    _, cache = attend_forward(*_output(rng).arguments)
    do = rng.standard_normal((T, DV))
    return Trial((do, cache.weights, cache.v), tuple(attend_backward_steps(do, cache)))


@short_of(attend_backward_steps, _attend_back)
def output_gradients(do: Array, p: Array, v: Array) -> tuple[Array, Array, Array]:
    dv = p.T @ do  # (S, T) x (T, Dv) -> (S, Dv)
    dp = do @ v.T  # (T, Dv) x (Dv, S) -> (T, S)
    dscores = p * (dp - (dp * p).sum(-1, keepdims=True))  # (T, S)
    return dv, dp, dscores


def _attend_back_whole(rng: np.random.Generator) -> Trial:
    arguments, (dv, _, dscores) = _attend_back(rng)
    return Trial(arguments, (dscores, dv))


@short_of(attend_backward, _attend_back_whole)
def scores_and_values_gradients(do: Array, p: Array, v: Array) -> tuple[Array, Array]:
    dp = do @ v.T  # (T, Dv) x (Dv, S) -> (T, S)
    dscores = p * (dp - (dp * p).sum(-1, keepdims=True))  # (T, S)
    return dscores, p.T @ do  # dV: (S, T) x (T, Dv) -> (S, Dv)


def _attention_back(rng: np.random.Generator) -> Trial:
    _, cache = attention_forward(*queries_keys_values(rng), some_mask(rng))
    do = rng.standard_normal((T, DV))
    return Trial((do, cache.weights, cache.q, cache.k, cache.v), attention_backward(do, cache))


@short_of(attention_backward, _attention_back)
def attention_gradients(do: Array, p: Array, q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    dp = do @ v.T  # (T, Dv) x (Dv, S) -> (T, S)
    dscores = p * (dp - (dp * p).sum(-1, keepdims=True))  # (T, S)
    draw = dscores / math.sqrt(q.shape[-1])  # scores = raw / sqrt(D)
    dq = draw @ k  # (T, S) x (S, D) -> (T, D)
    dk = draw.T @ q  # (S, T) x (T, D) -> (S, D)
    return dq, dk, p.T @ do  # dV: (S, T) x (T, Dv) -> (S, Dv)


def _queries_and_keys_back(rng: np.random.Generator) -> Trial:
    _, cache = attention_forward(*queries_keys_values(rng), some_mask(rng))
    grads = attention_backward_steps(rng.standard_normal((T, DV)), cache)
    return Trial((grads.ds, cache.q, cache.k), (grads.dq, grads.dk))


@short_of(attention_backward_steps, _queries_and_keys_back)
def queries_and_keys_gradients(dscores: Array, q: Array, k: Array) -> tuple[Array, Array]:
    draw = dscores / math.sqrt(q.shape[-1])  # scores = raw / sqrt(D)
    dq = draw @ k  # (T, S) x (S, D) -> (T, D)
    dk = draw.T @ q  # (S, T) x (T, D) -> (S, D)
    return dq, dk


def _additive(rng: np.random.Generator) -> Trial:
    shapes = ((T, D), (S, C), (D, A), (C, A), (A,), (A,))
    return on(additive_scores_forward, *(rng.standard_normal(shape) for shape in shapes))


@short_of(additive_scores_forward, _additive)
def additive_scores(q: Array, k: Array, w_q: Array, w_k: Array, b: Array, v_a: Array) -> Array:
    query, key = q @ w_q + b, k @ w_k  # (T, A), (S, A)
    hidden = np.tanh(query[:, None] + key[None])  # -> (T, S, A)
    return hidden @ v_a  # (T, S, A) x (A) -> (T, S)


def _additive_back(rng: np.random.Generator) -> Trial:
    (q, k, w_q, w_k, b, v_a), scores = _additive(rng)
    dscores = rng.standard_normal(scores.shape)
    cache = additive_scores_forward(q, k, w_q, w_k, b, v_a)[1]
    grads = additive_scores_backward(dscores, cache)
    return Trial((dscores, cache.hidden, q, k, w_q, w_k, v_a), tuple(grads))


@short_of(additive_scores_backward, _additive_back)
def additive_gradients(
    dscores: Array, hidden: Array, q: Array, k: Array, w_q: Array, w_k: Array, v_a: Array
) -> tuple[Array, ...]:
    dv_a = np.tensordot(hidden, dscores, ((0, 1), (0, 1)))  # (A,)
    dz = dscores[..., None] * v_a * (1 - hidden**2)  # (T, S, A)
    dquery, dkey = dz.sum(1), dz.sum(0)  # (T, A), (S, A)
    dq, dk = dquery @ w_q.T, dkey @ w_k.T  # (T, D), (S, C)
    return dq, dk, q.T @ dquery, k.T @ dkey, dquery.sum(0), dv_a
