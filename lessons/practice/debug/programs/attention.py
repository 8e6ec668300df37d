"""Causal attention with several heads, forward and backward."""

import numpy as np


def softmax(scores):
    """scores: (..., T, S) -> weights of that shape."""
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def split(x, heads):
    """x: (B, T, D) -> (B, H, T, D / H)."""
    batch, length, width = x.shape
    parts = x.reshape(batch, length, heads, width // heads)
    return parts.transpose(0, 2, 1, 3)


def merge(x):
    """x: (B, H, T, D / H) -> (B, T, D)."""
    batch, heads, length, width = x.shape
    parts = x.transpose(0, 2, 1, 3)
    return parts.reshape(batch, length, heads * width)


def forward(w, x, padded, heads):
    """w: four matrices (D, D).  padded: (B, T), True behind the end.

    x: (B, T, D) -> y: (B, T, D), the weights, and a cache.
    """
    length, width = x.shape[1:]
    q = split(x @ w["query"], heads)
    k, v = split(x @ w["key"], heads), split(x @ w["value"], heads)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(width // heads)
    seen = np.tril(np.ones((length, length), bool))
    seen = seen & ~padded[:, None, None, :]  # (B, 1, T, T)
    weights = softmax(np.where(seen, scores, -1e30))
    mixed = merge(weights @ v)
    return mixed @ w["out"], weights, (x, q, k, v, weights, mixed)


def backward(w, dy, cache, heads):
    """dy: (B, T, D) -> gradients of w, and dx: (B, T, D)."""
    x, q, k, v, weights, mixed = cache
    dw = {"out": np.einsum("btd,bte->de", mixed, dy)}
    dmixed = split(dy @ w["out"].T, heads)
    dp = dmixed @ v.swapaxes(-1, -2)
    dv = weights.swapaxes(-1, -2) @ dmixed
    inner = (dp * weights).sum(axis=-1, keepdims=True)
    ds = weights * (dp - inner) / np.sqrt(q.shape[-1])
    dq, dk = ds @ k, ds.swapaxes(-1, -2) @ q
    dx = np.zeros_like(x)
    for name, d in (("query", dq), ("key", dk), ("value", dv)):
        dw[name] = np.einsum("btd,bte->de", x, merge(d))
        dx += merge(d) @ w[name].T
    return dw, dx
