"""A feed-forward block with LayerNorm and a residual, both ways."""

import numpy as np

EPSILON = 1e-5


def norm(x, gain, bias):
    """x: (B, T, D), gain and bias: (D,) -> y: (B, T, D), a cache."""
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    spread = np.sqrt(variance + EPSILON)
    rows = (x - mean) / spread
    return rows * gain + bias, (rows, spread)


def norm_backward(dy, gain, cache):
    """dy: (B, T, D) -> dx: (B, T, D), dgain and dbias: (D,)."""
    rows, spread = cache
    dgain = (dy * rows).sum(axis=(0, 1))
    dbias = dy.sum(axis=(0, 1))
    drows = dy * gain
    by_mean = drows.mean(axis=-1, keepdims=True)
    by_spread = rows * (drows * rows).mean(axis=-1, keepdims=True)
    dx = (drows - by_mean - by_spread) / spread
    return dx, dgain, dbias


def silu(a):
    """a * sigmoid(a), and the sigmoid."""
    gate = 1 / (1 + np.exp(-a))
    return a * gate, gate


def silu_backward(dh, h, gate):
    """The derivative of a * gate is gate + a * gate * (1 - gate)."""
    return dh * (gate + h * (1 - gate))


def forward(w, x):
    """w: gain, bias (D,), up (D, F), down (F, D).  x: (B, T, D)

    -> out: (B, T, D), and a cache.
    """
    y, kept = norm(x, w["gain"], w["bias"])
    h, gate = silu(y @ w["up"])
    out = x + h @ w["down"]
    return out, (y, kept, h, gate)


def backward(w, dout, cache):
    """dout: (B, T, D) -> gradients of w by name, and dx: (B, T, D)."""
    y, kept, h, gate = cache
    dw = {"down": np.einsum("btf,btd->fd", h, dout)}
    da = silu_backward(dout @ w["down"].T, h, gate)
    dw["up"] = np.einsum("btd,btf->df", y, da)
    dy = da @ w["up"].T
    dx, dw["gain"], dw["bias"] = norm_backward(dy, w["gain"], kept)
    dx = dx + dout
    return dw, dx
