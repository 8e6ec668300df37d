"""The flagship operations in a few lines each, as one would write them on a board: plain NumPy, forward and gradients.

    softmax, layer normalisation, cross-entropy, attention, multi-head attention

They compute what the library computes, to rounding, and nothing else: arrays on the host, no cache (a gradient makes
what it needs once more), no dropout, no message when something does not fit, and every query must see some key.
Derivations stand where the operations are: ops/basics/softmax.py, ops/norms/layer_norm.py, ops/losses/cross_entropy.py,
ops/attention/scaled_dot_product.py and ops/attention/multi_head.py.  No function has more than eight lines.
"""

from __future__ import annotations

import math

import numpy as np

from tfx.backend import Array


def short_softmax(x: Array) -> Array:
    """x: (..., S) -> p: (..., S), rows that sum to 1."""
    exps = np.exp(x - x.max(axis=-1, keepdims=True))  # (..., S), (..., 1) -> (..., S)
    return exps / exps.sum(axis=-1, keepdims=True)  # (..., S), (..., 1) -> (..., S)


def short_softmax_gradient(dp: Array, p: Array) -> Array:
    """dp: (..., S), and the p of forward -> dx: (..., S)."""
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))  # (..., S), (..., 1) -> (..., S)


def short_layer_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """x: (..., C), gamma: (C,), beta: (C,) -> y: (..., C)."""
    centred = x - x.mean(axis=-1, keepdims=True)  # (..., C), (..., 1) -> (..., C)
    std = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)  # (..., C) -> (..., 1)
    return gamma * (centred / std) + beta  # (C,), (..., C), (..., 1), (C,) -> (..., C)


def short_layer_norm_gradients(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """dy: (..., C), and what forward read -> dx: (..., C), dgamma: (C,), dbeta: (C,)."""
    centred = x - x.mean(axis=-1, keepdims=True)  # (..., C), (..., 1) -> (..., C)
    std = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)  # (..., C) -> (..., 1)
    xhat, g = centred / std, dy * gamma  # (..., C), (..., 1) -> (..., C)
    through_std = xhat * (g * xhat).mean(axis=-1, keepdims=True)  # (..., C), (..., 1) -> (..., C)
    dx = (g - g.mean(axis=-1, keepdims=True) - through_std) / std  # (..., C), (..., 1) -> (..., C)
    tokens = tuple(range(dy.ndim - 1))
    return dx, (dy * xhat).sum(axis=tokens), dy.sum(axis=tokens)  # (..., C) -> (..., C), (C,), (C,)


def short_cross_entropy(logits: Array, targets: Array) -> Array:
    """logits: (..., V), targets: (...,) integers -> the mean of -log p(target)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)  # (..., V), (..., 1) -> (..., V)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))  # (..., V), (..., 1) -> (..., V)
    return -np.take_along_axis(log_p, targets[..., None], axis=-1).mean()  # (..., V), (..., 1) -> ()


def short_cross_entropy_gradient(logits: Array, targets: Array) -> Array:
    """-> dlogits: (..., V), prediction minus target."""
    target = np.eye(logits.shape[-1], dtype=logits.dtype)[targets]  # (V, V), (...,) -> (..., V)
    return (short_softmax(logits) - target) / targets.size  # (..., V), (..., V) -> (..., V)


def short_attention(q: Array, k: Array, v: Array, mask: Array) -> Array:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv), mask: (..., T, S), True = may attend -> o: (..., T, Dv)."""
    scores = q @ k.swapaxes(-1, -2) * (1 / math.sqrt(q.shape[-1]))  # (..., T, D), (..., D, S) -> (..., T, S)
    scores = np.where(mask, scores, -math.inf)  # (..., T, S) -> (..., T, S)
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))  # (..., T, S), (..., T, 1) -> (..., T, S)
    weights = exps / exps.sum(axis=-1, keepdims=True)  # (..., T, S), (..., T, 1) -> (..., T, S)
    return weights @ v  # (..., T, S), (..., S, Dv) -> (..., T, Dv)


def short_attention_gradients(do: Array, q: Array, k: Array, v: Array, mask: Array) -> tuple[Array, Array, Array]:
    """do: (..., T, Dv), and what forward read -> dq: (..., T, D), dk: (..., S, D), dv: (..., S, Dv)."""
    scale = 1 / math.sqrt(q.shape[-1])
    p = short_softmax(np.where(mask, q @ k.swapaxes(-1, -2) * scale, -math.inf))  # (..., T, D) -> (..., T, S)
    dv = p.swapaxes(-1, -2) @ do  # (..., S, T), (..., T, Dv) -> (..., S, Dv)
    dp = do @ v.swapaxes(-1, -2)  # (..., T, Dv), (..., Dv, S) -> (..., T, S)
    ds = short_softmax_gradient(dp, p) * scale  # (..., T, S) -> (..., T, S)
    return ds @ k, ds.swapaxes(-1, -2) @ q, dv  # (..., T, S), (..., S, D) -> (..., T, D)


def cut(x: Array, n_heads: int) -> Array:
    """(..., T, H D) -> (..., H, T, D)."""
    return np.stack(np.split(x, n_heads, axis=-1), axis=-3)


def joined(x: Array) -> Array:
    """(..., H, T, D) -> (..., T, H D)."""
    return np.concatenate(list(np.moveaxis(x, -3, 0)), axis=-1)


def short_multi_head(x: Array, w_q: Array, w_k: Array, w_v: Array, w_o: Array, n_heads: int, mask: Array) -> Array:
    """x: (..., T, C), w_q, w_k, w_v, w_o: (C, C), mask: (T, T) -> y: (..., T, C)."""
    q, k, v = (cut(x @ w, n_heads) for w in (w_q, w_k, w_v))  # (..., T, C), (C, C) -> (..., H, T, D)
    return joined(short_attention(q, k, v, mask)) @ w_o  # (..., H, T, D) -> (..., T, C), (C, C) -> (..., T, C)


def short_multi_head_gradients(
    dy: Array, x: Array, w_q: Array, w_k: Array, w_v: Array, w_o: Array, n_heads: int, mask: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """dy: (..., T, C), and what forward read -> dx: (..., T, C), dw_q, dw_k, dw_v, dw_o: (C, C)."""
    q, k, v = (cut(x @ w, n_heads) for w in (w_q, w_k, w_v))  # (..., T, C), (C, C) -> (..., H, T, D)
    o = joined(short_attention(q, k, v, mask))  # (..., H, T, D) -> (..., T, C)
    dq, dk, dv = short_attention_gradients(cut(dy @ w_o.T, n_heads), q, k, v, mask)  # (..., T, C) -> (..., H, T, D)
    dq, dk, dv = joined(dq), joined(dk), joined(dv)  # (..., H, T, D) -> (..., T, C)
    dx = dq @ w_q.T + dk @ w_k.T + dv @ w_v.T  # x was used three times: (..., T, C), (C, C) -> (..., T, C)
    pairs = ((x, dq), (x, dk), (x, dv), (o, dy))  # what each map read, and the gradient of what it gave
    dw_q, dw_k, dw_v, dw_o = (np.tensordot(a, b, (range(a.ndim - 1),) * 2) for a, b in pairs)  # (..., T, C) -> (C, C)
    return dx, dw_q, dw_k, dw_v, dw_o
