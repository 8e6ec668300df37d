"""Known mistakes in tfx/ops/attention/scaled_dot_product.py."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tfx.backend import Array
from tfx.gradcheck.cases.ops.attention.scaled_dot_product import attention, attention_dropout, attention_with_bias
from tfx.gradcheck.cases.sizes import T
from tfx.gradcheck.mistake import wrong_backward, wrong_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_backward_steps,
    attention_forward,
)
from tfx.ops.basics.broadcast import fold

CAUSAL = partial(attention, n_keys=T, mask=causal_mask(T))


@wrong_backward(attention)
def scale_missing(dout: Any, cache: AttentionCache) -> Any:
    """The scale is left out of dQ and dK.

    Why: Constants vanish in a derivative: true for what is added, and carried over to what is multiplied.
    Hint: Which factor stood in front of Q K^T, and what does a constant factor do to a derivative?
    """
    dq, dk, dv = attention_backward(dout, cache)
    return dq / cache.scale, dk / cache.scale, dv


@wrong_backward(CAUSAL)
def keys_not_transposed(dout: Any, cache: AttentionCache) -> Any:
    """dK = dS Q instead of dS^T Q.

    Why: With as many keys as queries both products have the right shape, so nothing complains.
    Hint: Write S[i, j] = q_i . k_j and ask over which index the gradient of k_j has to sum.
    """
    steps = attention_backward_steps(dout, cache)
    return steps.dq, steps.ds @ cache.q * cache.scale, steps.dv


@wrong_backward(attention_dropout, op="attention")
def dropout_skipped_for_values(dout: Any, cache: AttentionCache) -> Any:
    """dV uses the weights before dropout.

    Why: The output of the softmax is what is called the weights, and the copy with dropout, which met the values, is
    not.
    Hint: With which array were the values multiplied in the forward pass?
    """
    dq, dk, _ = attention_backward(dout, cache)
    return dq, dk, cache.weights.swapaxes(-1, -2) @ dout


@wrong_backward(attention)
def softmax_not_undone(dout: Any, cache: AttentionCache) -> Any:
    """The softmax is not undone.

    Why: dP comes out with the shape of the scores, so it is easily taken for their gradient.
    Hint: Between the scores and the weights stands one more function; is its derivative anywhere in your code?
    """
    steps = attention_backward_steps(dout, cache)
    return steps.dp @ cache.k * cache.scale, steps.dp.swapaxes(-1, -2) @ cache.q * cache.scale, steps.dv


@wrong_forward(attention)
def unscaled(q: Array, k: Array, v: Array) -> Array:
    """The scores are not divided by sqrt(d_k).

    Why: The shapes fit without it, and with narrow queries the difference is small.
    Hint: How large are dot products of random vectors, and how does that depend on their width?
    """
    return attention_forward(q, k, v, scale=1.0)[0]


@wrong_forward(attention)
def width_of_the_values(q: Array, k: Array, v: Array) -> Array:
    """The scores are divided by the root of the values' width.

    Why: d_k and d_v are equal in most models, so either of them seems to do.
    Hint: Which vectors are multiplied with each other to give a score?
    """
    return attention_forward(q, k, v, scale=1.0 / math.sqrt(v.shape[-1]))[0]


@wrong_backward(attention_with_bias, op="attention", soft_cap=0.9)
def bias_before_the_cap(dout: Any, cache: AttentionCache) -> Any:
    """dbias is taken in front of the soft cap.

    The gradient of the bias is taken in front of the cap, though the bias is added behind it.

    Why: Scores and bias are added, so one gradient is expected to serve both.
    Hint: In which order do the cap and the bias come? Follow the forward pass line by line.
    """
    steps = attention_backward_steps(dout, cache)
    return steps.dq, steps.dk, steps.dv, fold(steps.ds, cache.bias)
