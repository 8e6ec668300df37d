"""Known mistakes in tfx/ops/attention/scaled_dot_product.py."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tfx.backend import Array
from tfx.gradcheck.cases.ops.attention.scaled_dot_product import attention, attention_dropout, attention_with_bias
from tfx.gradcheck.cases.sizes import T
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_backward_steps,
    attention_forward,
)
from tfx.ops.basics.broadcast import fold

CAUSAL = partial(attention, n_keys=T, mask=causal_mask(T))


def attention_unscaled(q: Array, k: Array, v: Array) -> Array:
    return attention_forward(q, k, v, scale=1.0)[0]


def attention_over_the_width_of_the_values(q: Array, k: Array, v: Array) -> Array:
    return attention_forward(q, k, v, scale=1.0 / math.sqrt(v.shape[-1]))[0]


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


def attention_bias_before_the_cap(dout: Any, cache: AttentionCache) -> Any:
    """The gradient of the bias is taken in front of the cap, though the bias is added behind it."""
    steps = attention_backward_steps(dout, cache)
    return steps.dq, steps.dk, steps.dv, fold(steps.ds, cache.bias)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="attention",
        name="scale-missing",
        says="the scale is left out of dQ and dK",
        why="The scale looks like a constant of the forward pass, so it is dropped when the products are undone.",
        hint="Which factor stood in front of Q K^T, and what does a constant factor do to a derivative?",
        problem=attention,
        wrong_backward=attention_without_scale,
    ),
    Mistake(
        op="attention",
        name="keys-not-transposed",
        says="dK = dS Q instead of dS^T Q",
        why="With as many keys as queries both products have the right shape, so nothing complains.",
        hint="Write S[i, j] = q_i . k_j and ask over which index the gradient of k_j has to sum.",
        problem=CAUSAL,
        wrong_backward=attention_keys_not_transposed,
    ),
    Mistake(
        op="attention",
        name="dropout-skipped-for-values",
        says="dV uses the weights before dropout",
        why="The weights are what one has in mind, and the dropped copy of them that met the values is forgotten.",
        hint="With which array were the values multiplied in the forward pass?",
        problem=attention_dropout,
        wrong_backward=attention_values_ignore_dropout,
    ),
    Mistake(
        op="attention",
        name="softmax-not-undone",
        says="the softmax is not undone",
        why="dP comes out with the shape of the scores, so it is easily taken for their gradient.",
        hint="Between the scores and the weights stands one more function; is its derivative anywhere in your code?",
        problem=attention,
        wrong_backward=attention_softmax_left_out,
    ),
    Mistake(
        op="attention",
        name="unscaled",
        says="the scores are not divided by sqrt(d_k)",
        why="The shapes fit without it, and with narrow queries the difference is small.",
        hint="How large are dot products of random vectors, and how does that depend on their width?",
        problem=attention,
        wrong_forward=attention_unscaled,
    ),
    Mistake(
        op="attention",
        name="width-of-the-values",
        says="the scores are divided by the root of the values' width",
        why="d_k and d_v are equal in most models, so any of the two widths seems to do.",
        hint="Which vectors are multiplied with each other to give a score?",
        problem=attention,
        wrong_forward=attention_over_the_width_of_the_values,
    ),
    Mistake(
        op="attention",
        name="bias-before-the-cap",
        says="dbias is taken in front of the soft cap",
        why="Scores and bias are added, so one gradient is expected to serve both.",
        hint="In which order do the cap and the bias come? Follow the forward pass line by line.",
        problem=partial(attention_with_bias, soft_cap=0.9),
        wrong_backward=attention_bias_before_the_cap,
    ),
)
