"""Simple recurrent network (Elman), and backpropagation through time.

    h_t = tanh(x_t W_x + h_{t-1} W_h + b)          one step needs the step before: T steps in sequence

Derivation.  Every h_t is used twice: it is an output, and it feeds h_{t+1}.  So, from the last step to the first,

    dh_t = dy_t + dz_{t+1} W_h^T            what arrives from above plus what comes back from the future
    dz_t = dh_t * (1 - h_t^2)               tanh' = 1 - tanh^2
    dx_t = dz_t W_x^T
    dW_x = sum_t x_t^T dz_t     dW_h = sum_t h_{t-1}^T dz_t     db = sum_t dz_t

A gradient that travels k steps back is multiplied k times by W_h^T diag(1 - h^2): it shrinks or grows like a k-th
power.  Sources: Elman 1990, "Finding Structure in Time"; Werbos 1990, "Backpropagation Through Time"; Bengio et al.
1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult".
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of


class RnnCache(NamedTuple):
    x: Array
    states: Array  # h_0 .. h_T: (B, T + 1, C)
    w_x: Array
    w_h: Array


class RnnGrads(NamedTuple):
    dx: Array
    dh0: Array
    dw_x: Array
    dw_h: Array
    db: Array


def rnn_forward(x: Array, h0: Array, w_x: Array, w_h: Array, b: Array) -> tuple[Array, RnnCache]:
    """x: (B, T, I), h0: (B, C), w_x: (I, C), w_h: (C, C), b: (C,) -> h: (B, T, C), all states after the first.

    Raises ValueError when a width does not match.
    """
    if x.shape[-1] != w_x.shape[0] or h0.shape[-1] != w_h.shape[0]:
        raise ValueError(f"x has width {x.shape[-1]} and h0 {h0.shape[-1]}, but {w_x.shape[0]} and {w_h.shape[0]} fit")
    xp = xp_of(x)
    inputs = x @ w_x + b  # (B, T, C): this half has no sequence in it
    states = xp.empty((x.shape[0], x.shape[1] + 1, w_h.shape[0]), dtype=x.dtype)
    states[:, 0] = h0
    for t in range(x.shape[1]):
        states[:, t + 1] = xp.tanh(inputs[:, t] + states[:, t] @ w_h)
    return states[:, 1:], RnnCache(x, states, w_x, w_h)


def rnn_backward(dh: Array, cache: RnnCache) -> RnnGrads:
    """dh: (B, T, C), the gradient at every state -> gradients in the shapes of x, h0, w_x, w_h, b."""
    x, states, w_x, w_h = cache
    xp = xp_of(dh)
    dz = xp.empty_like(dh)
    from_future = xp.zeros_like(dh[:, 0]) if dh.shape[1] else xp.zeros_like(states[:, 0])
    for t in range(dh.shape[1] - 1, -1, -1):
        h = states[:, t + 1]
        dz[:, t] = (dh[:, t] + from_future) * (1 - h * h)  # h = tanh(z); h was output and fed the next step
        from_future = dz[:, t] @ w_h.T  # z = ... + h_{t-1} @ w_h
    rows = dz.reshape(-1, dz.shape[-1])
    return RnnGrads(
        dx=dz @ w_x.T,  # z = x @ w_x + ...
        dh0=from_future,
        dw_x=x.reshape(-1, x.shape[-1]).T @ rows,
        dw_h=states[:, :-1].reshape(-1, w_h.shape[0]).T @ rows,
        db=rows.sum(axis=0),
    )
