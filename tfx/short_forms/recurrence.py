"""Recurrence in a few lines: a simple network, back through time, and attention that is one.

Derivations: ops/recurrence/rnn.py and efficient/causal_product.py.
"""

from __future__ import annotations

import numpy as np

from tfx.backend import Array
from tfx.efficient.causal_product import causal_product_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import DV, B, C, D, T


def _rnn(rng: np.random.Generator) -> Trial:
    shapes = ((B, T, D), (B, C), (D, C), (C, C), (C,))
    return on(rnn_forward, *(rng.standard_normal(shape) for shape in shapes))


@short_of(rnn_forward, _rnn)
def recurrent_states(x: Array, h: Array, w_x: Array, w_h: Array, b: Array) -> Array:
    states = []
    for x_t in x.swapaxes(0, 1):  # one token after the other: (B, D)
        h = np.tanh(x_t @ w_x + h @ w_h + b)  # (B, D), (B, C) -> (B, C)
        states.append(h)
    return np.stack(states, 1)  # (B, T, C)


def _rnn_back(rng: np.random.Generator) -> Trial:
    x, h0, w_x, w_h, b = _rnn(rng).arguments
    h, cache = rnn_forward(x, h0, w_x, w_h, b)
    dy = rng.standard_normal(h.shape)
    grads = rnn_backward(dy, cache)
    return Trial((dy, h, w_x, w_h), (grads.dx, grads.dh0))


@short_of(rnn_backward, _rnn_back)
def back_through_time(dy: Array, h: Array, w_x: Array, w_h: Array) -> tuple[Array, Array]:
    dx, dh = [], 0.0
    for t in reversed(range(h.shape[1])):  # the last token first
        dz = (dy[:, t] + dh) * (1 - h[:, t] ** 2)  # h = tanh(z): (B, C)
        dx.append(dz @ w_x.T)  # (B, C) x (C, D) -> (B, D)
        dh = dz @ w_h.T  # what goes to the token before: (B, C)
    return np.stack(dx[::-1], 1), dh  # (B, T, D), (B, C)


def _causal_product(rng: np.random.Generator) -> Trial:
    shapes = ((T, D), (T, D), (T, DV))
    return on(causal_product_forward, *(rng.standard_normal(shape) for shape in shapes), chunk=2)


@short_of(causal_product_forward, _causal_product)
def causal_product(q: Array, k: Array, v: Array) -> Array:
    state, out = np.zeros((k.shape[-1], v.shape[-1])), []  # (D, Dv)
    for q_t, k_t, v_t in zip(q, k, v, strict=True):
        state = state + np.outer(k_t, v_t)  # all the past: (D, Dv)
        out.append(q_t @ state)  # (D,) x (D, Dv) -> (Dv,)
    return np.stack(out)  # (T, Dv)
