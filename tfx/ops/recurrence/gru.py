"""Gated recurrent unit: an LSTM's idea with two gates and no separate cell.

    r, z, n = three blocks of width C, in this order, of x_t W_x + b (called a) and of h_{t-1} W_h + b_h (called u)
    r = sigmoid(a_r + u_r)                          reset: how much of the past the candidate may read
    z = sigmoid(a_z + u_z)                          update: how much of the past stays
    n = tanh(a_n + (r * h_{t-1}) W_n + b_n)         the candidate, where reset comes before the matrix (the paper)
    n = tanh(a_n + r * (h_{t-1} W_n + b_n))         the same, where reset comes after it (cuDNN, PyTorch)
    h_t = z * h_{t-1} + (1 - z) * n

The two candidates are different networks with the same number of weights; linear_before_reset chooses: False is the
paper's, True the second, which needs one matrix product a step instead of two.  Bahdanau et al. 2015 write z where
1 - z stands here: the same network with the sign of z's weights turned.

Derivation.  With dh = dh_t,

    dn = dh * (1 - z)                dz_n = dn * (1 - n^2)
    dz = dh * (h_{t-1} - n)          dz_z = dz * z (1 - z)
    reset before:  d(r h) = dz_n W_n^T,   dr = d(r h) * h_{t-1},   and d(r h) * r goes to h_{t-1};   du_n = dz_n
    reset after:   dr = dz_n * u_n,       du_n = dz_n * r,         and du_n W_n^T goes to h_{t-1}
    dz_r = dr * r (1 - r)
    dh_{t-1} = dh * z + (dz_r, dz_z) W_rz^T + what came through the candidate
    dW_n = sum_t (r h_{t-1})^T dz_n (before)   or   sum_t h_{t-1}^T du_n (after);   db_n = sum_t du_n

dh * z is the path on which a gradient lives long: k steps back it is multiplied by the product of k update gates, which
stays near 1 while they are.  The other paths pass W_h again and again, and vanish or explode as in
ops/recurrence/rnn.py.
Sources: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", section 2.3; reset after the
matrix: the attribute linear_before_reset of GRU in the ONNX specification.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.sums import column_sums
from tfx.ops.recurrence.clipped_activation import (
    ClippedActivationCache,
    clipped_activation_backward,
    clipped_activation_forward,
)
from tfx.ops.recurrence.through_time import (
    RecurrentCache,
    RecurrentGrads,
    State,
    backpropagate_through_time,
    over_time,
    run_through_time,
    weight_gradient,
)

GruCache = RecurrentCache
GruGrads = RecurrentGrads


class GruStepCache(NamedTuple):
    """One step; r.y, z.y and n.y are the gates and the candidate, each (B, C)."""

    h: Array  # h_{t-1}: (B, C)
    r: ClippedActivationCache
    z: ClippedActivationCache
    n: ClippedActivationCache
    read: Array  # what W_n was multiplied with: r * h_{t-1}, or h_{t-1}
    u_n: Array | None  # h_{t-1} W_n + b_n where reset comes after it


@in_float32
def gru_forward(
    x: Array,
    h0: Array,
    w_x: Array,
    w_h: Array,
    b: Array | None = None,
    b_h: Array | None = None,
    *,
    linear_before_reset: bool = False,
    clip: float | None = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Array, GruCache]:
    """x: (B, T, I), h0: (B, C), w_x: (I, 3C), w_h: (C, 3C), b, b_h: (3C,) -> h: (B, T, C), all states after the first.

    cache.last is (h,), the last state.  The blocks of 3C are r, z, n.  b_h differs from b only in its last block, and
    only with linear_before_reset, where it is reset too.  linear_before_reset: False = reset, then W_n (the paper);
    True = W_n, then reset (cuDNN and PyTorch).  clip: limits the arguments of r, z and n.
    lengths: (B,), a row holds its state after its end.  reverse: from the last place to the first.
    Raises ValueError when a width, a batch or a length does not match.
    """
    width = h0.shape[-1]
    if x.shape[-1] != w_x.shape[0] or w_x.shape[1] != 3 * width:
        raise ValueError(
            f"x of width {x.shape[-1]} and h0 of width {width} need w_x of that many rows and 3 x {width} "
            f"columns, not {w_x.shape}"
        )
    if w_h.shape != (width, 3 * width):
        raise ValueError(f"h0 has width {width}, so w_h must be ({width}, {3 * width}), not {w_h.shape}")
    a, inputs = linear_forward(x, w_x, b)  # (B, T, 3C): this half has no sequence in it

    def step(a_t: Array, state: State) -> tuple[State, GruStepCache]:
        return _step(a_t, state[0], w_h, b_h, linear_before_reset, clip)

    h, time = run_through_time(step, a, (h0,), lengths, reverse)
    return h, GruCache(inputs, time, w_h, b_h is not None)


@in_float32
def gru_backward(dh: Array, cache: GruCache, dlast: State | None = None) -> GruGrads:
    """dh: (B, T, C), the gradient at every state -> gradients in the shapes of x, h0, w_x, w_h, b, b_h.

    dlast: (dh,), a further gradient, (B, C), that arrives at the last state, cache.last.
    """
    inputs, time, w_h, has_b_h, _ = cache

    def step_backward(dstate: State, step: GruStepCache) -> tuple[tuple[Array, ...], State]:
        return _step_backward(dstate[0], step, w_h)

    steps, (dh0,) = backpropagate_through_time(step_backward, dh, time, dlast)
    width = dh0.shape[-1]
    da = over_time([da for da, _ in steps], dh0, 3 * width)
    du_n = over_time([du_n for _, du_n in steps], dh0, width)
    h = over_time([step.h for step in time.steps], dh0, width)
    read = over_time([step.read for step in time.steps], dh0, width)
    dx, dw_x, db = linear_backward(da, inputs)  # a = x @ w_x + b
    gates = da[..., : 2 * width]  # of r and z: a and u were added, so du = da
    xp = xp_of(dh)
    dw_h = xp.concatenate((weight_gradient(h, gates), weight_gradient(read, du_n)), axis=-1)
    db_h = column_sums(xp.concatenate((gates, du_n), axis=-1)) if has_b_h else None
    return GruGrads(dx, dh0, dw_x, dw_h, db, db_h)


def _step(
    a: Array, h: Array, w_h: Array, b_h: Array | None, linear_before_reset: bool, clip: float | None
) -> tuple[State, GruStepCache]:
    width = h.shape[-1]
    gates, w_n = w_h[:, : 2 * width], w_h[:, 2 * width :]
    b_gates, b_n = (None, None) if b_h is None else (b_h[: 2 * width], b_h[2 * width :])
    z_gates = a[:, : 2 * width] + linear_forward(h, gates, b_gates)[0]
    r, cache_r = clipped_activation_forward(z_gates[:, :width], "sigmoid", clip)
    z, cache_z = clipped_activation_forward(z_gates[:, width:], "sigmoid", clip)
    read = h if linear_before_reset else r * h
    u_n, _ = linear_forward(read, w_n, b_n)
    z_n = a[:, 2 * width :] + (r * u_n if linear_before_reset else u_n)
    n, cache_n = clipped_activation_forward(z_n, "tanh", clip)
    new_h = z * h + (1 - z) * n
    kept = u_n if linear_before_reset else None
    return (new_h,), GruStepCache(h, cache_r, cache_z, cache_n, read, kept)


def _step_backward(dh: Array, step: GruStepCache, w_h: Array) -> tuple[tuple[Array, ...], State]:
    """-> (da: (B, 3C), du_n: (B, C)), (dh_{t-1},)."""
    width = dh.shape[-1]
    gates, w_n = w_h[:, : 2 * width], w_h[:, 2 * width :]
    h, r, z, n = step.h, step.r.y, step.z.y, step.n.y
    dz_n = clipped_activation_backward(dh * (1 - z), step.n)  # h_t = ... + (1 - z) * n
    dz_z = clipped_activation_backward(dh * (h - n), step.z)  # h_t = z * h_{t-1} + (1 - z) * n
    if step.u_n is None:
        du_n = dz_n  # z_n = a_n + (r * h_{t-1}) @ w_n + b_n
        dread = du_n @ w_n.T
        dr, through_candidate = dread * h, dread * r
    else:
        du_n = dz_n * r  # z_n = a_n + r * (h_{t-1} @ w_n + b_n)
        dr, through_candidate = dz_n * step.u_n, du_n @ w_n.T
    dz_r = clipped_activation_backward(dr, step.r)
    xp = xp_of(dh)
    dgates = xp.concatenate((dz_r, dz_z), axis=-1)
    dh_before = dh * z + dgates @ gates.T + through_candidate
    return (xp.concatenate((dgates, dz_n), axis=-1), du_n), (dh_before,)
