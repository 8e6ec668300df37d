"""Long short-term memory: a recurrent network whose memory cell is changed by adding, under the control of gates.

    i, f, g, o = x_t W_x + h_{t-1} W_h + b          four blocks of width C, in this order
    i = sigmoid(i)   f = sigmoid(f)   o = sigmoid(o)         gates: write, keep, show
    g = tanh(g)                                              what could be written
    c_t = f * c_{t-1} + i * g                                the cell
    h_t = o * tanh(c_t)                                      what the others see

Two options.  Peepholes let the gates see the cell: p_i * c_{t-1} is added to i, p_f * c_{t-1} to f and p_o * c_t to o
before the sigmoid.  A projection makes h narrower than the cell: h_t = (o * tanh(c_t)) W_r.

Derivation.  h_t is used twice (output, next step), c_t three times (h_t, the next cell and, with peepholes, o and the
next gates).  With m = o * tanh(c_t), so that dm = dh_t, or dh_t W_r^T behind a projection,

    do = dm * tanh(c_t)                         dz_o = do * o (1 - o)
    dc = dc_t + dm * o * (1 - tanh(c_t)^2) + dz_o * p_o              dc_t: what step t+1 sends back along the cell
    di = dc * g      df = dc * c_{t-1}      dg = dc * i              dz_. through sigmoid and tanh
    dc_{t-1} = dc * f + dz_i * p_i + dz_f * p_f                      the cell path
    dh_{t-1} = dz W_h^T                                              dz = the four blocks side by side
    dW_h = sum_t h_{t-1}^T dz        dW_r = sum_t m^T dh_t
    dp_i = sum_t dz_i * c_{t-1}      dp_f = sum_t dz_f * c_{t-1}      dp_o = sum_t dz_o * c_t

Along the cell a gradient is multiplied by f alone, number by number, and by no matrix: k steps back it has shrunk by
the product of k gates, which stays near 1 while they are open.  Only the path through h has the powers of W_h that make
the gradient of ops/recurrence/rnn.py vanish or explode, and gates can close it.
Sources: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory"; the forget gate: Gers, Schmidhuber and Cummins 2000;
peepholes: Gers and Schmidhuber 2000; projection: Sak, Senior and Beaufays 2014.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.sums import column_sums
from tfx.ops.feed_forward.sigmoid import TanhCache, tanh_backward, tanh_forward
from tfx.ops.recurrence.clipped_activation import (
    ClippedActivationCache,
    clipped_activation_backward,
    clipped_activation_forward,
)
from tfx.ops.recurrence.through_time import (
    RecurrentCache,
    State,
    backpropagate_through_time,
    over_time,
    run_through_time,
    weight_gradient,
)

LstmCache = RecurrentCache


class LstmStepCache(NamedTuple):
    """One step; i.y, f.y, g.y and o.y are the gates, each (B, C)."""

    h: Array  # h_{t-1}: (B, R)
    c: Array  # c_{t-1}: (B, C)
    i: ClippedActivationCache
    f: ClippedActivationCache
    g: ClippedActivationCache
    o: ClippedActivationCache
    new_c: Array
    tanh_c: TanhCache
    m: Array  # o * tanh(c): h before the projection


class LstmOptions(NamedTuple):
    peepholes: Array | None
    w_r: Array | None


class LstmGrads(NamedTuple):
    dx: Array
    dh0: Array
    dc0: Array
    dw_x: Array
    dw_h: Array
    db: Array | None
    db_h: Array | None
    dpeepholes: Array | None
    dw_r: Array | None


@in_float32
def lstm_forward(
    x: Array,
    h0: Array,
    c0: Array,
    w_x: Array,
    w_h: Array,
    b: Array | None = None,
    b_h: Array | None = None,
    peepholes: Array | None = None,
    w_r: Array | None = None,
    *,
    clip: float | None = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Array, LstmCache]:
    """x: (B, T, I), h0: (B, R), c0: (B, C), w_x: (I, 4C), w_h: (R, 4C), b: (4C,) -> h: (B, T, R), cache.

    R = C without projection.  cache.last is (h, c), the last state.  The blocks of 4C are i, f, g, o.
    b_h: (4C,), a second offset beside b, as other libraries have it.  peepholes: (3, C), rows p_i, p_f, p_o.
    w_r: (C, R), the projection.  clip: limits the arguments of gates and g.
    lengths: (B,), a row holds its state after its end.  reverse: from the last place to the first.
    Raises ValueError when a width, a batch or a length does not match.
    """
    check_lstm_shapes(x, h0, c0, w_x, w_h, peepholes, w_r)
    a, inputs = linear_forward(x, w_x, b)  # (B, T, 4C): this half has no sequence in it

    def step(a_t: Array, state: State) -> tuple[State, LstmStepCache]:
        return _step(a_t, state, w_h, b_h, peepholes, w_r, clip)

    h, time = run_through_time(step, a, (h0, c0), lengths, reverse)
    return h, LstmCache(inputs, time, w_h, b_h is not None, LstmOptions(peepholes, w_r))


@in_float32
def lstm_backward(dh: Array, cache: LstmCache, dlast: tuple[Array | None, Array | None] | None = None) -> LstmGrads:
    """dh: (B, T, R), the gradient at every h -> gradients in the shapes of the inputs, by name.

    dlast: (dh, dc), further gradients that arrive at the last state, cache.last; None for one that nobody reads.
    """
    inputs, time, w_h, has_b_h, (peepholes, w_r) = cache

    def step_backward(dstate: State, step: LstmStepCache) -> tuple[tuple[Array, ...], State]:
        return _step_backward(dstate, step, w_h, peepholes, w_r)

    steps, (dh0, dc0) = backpropagate_through_time(step_backward, dh, time, dlast)
    width = dc0.shape[-1]
    dz = over_time([dz for dz, _ in steps], dc0, 4 * width)
    before = over_time([step.h for step in time.steps], dc0, dh0.shape[-1])
    dx, dw_x, db = linear_backward(dz, inputs)  # a = x @ w_x + b
    db_h = column_sums(dz) if has_b_h else None
    dpeepholes = dw_r = None
    if peepholes is not None:
        dz_i, dz_f, _, dz_o = _blocks(dz)
        c = over_time([step.c for step in time.steps], dc0, width)
        new_c = over_time([step.new_c for step in time.steps], dc0, width)
        seen = (dz_i * c, dz_f * c, dz_o * new_c)  # z_i = ... + p_i * c_{t-1}, z_o = ... + p_o * c_t
        dpeepholes = xp_of(dz).stack([column_sums(product) for product in seen])
    if w_r is not None:
        dh_all = over_time([dh_t for _, dh_t in steps], dc0, dh0.shape[-1])
        dw_r = weight_gradient(over_time([step.m for step in time.steps], dc0, width), dh_all)  # h = m @ w_r
    return LstmGrads(dx, dh0, dc0, dw_x, weight_gradient(before, dz), db, db_h, dpeepholes, dw_r)


def _step(
    a: Array,
    state: State,
    w_h: Array,
    b_h: Array | None,
    peepholes: Array | None,
    w_r: Array | None,
    clip: float | None,
) -> tuple[State, LstmStepCache]:
    h, c = state
    z_i, z_f, z_g, z_o = _blocks(a + linear_forward(h, w_h, b_h)[0])
    if peepholes is not None:
        z_i = z_i + peepholes[0] * c
        z_f = z_f + peepholes[1] * c
    i, cache_i = clipped_activation_forward(z_i, "sigmoid", clip)
    f, cache_f = clipped_activation_forward(z_f, "sigmoid", clip)
    g, cache_g = clipped_activation_forward(z_g, "tanh", clip)
    new_c = f * c + i * g
    if peepholes is not None:
        z_o = z_o + peepholes[2] * new_c
    o, cache_o = clipped_activation_forward(z_o, "sigmoid", clip)
    tanh_c, cache_tanh = tanh_forward(new_c)
    m = o * tanh_c
    new_h = m if w_r is None else m @ w_r
    return (new_h, new_c), LstmStepCache(h, c, cache_i, cache_f, cache_g, cache_o, new_c, cache_tanh, m)


def _step_backward(
    dstate: State, step: LstmStepCache, w_h: Array, peepholes: Array | None, w_r: Array | None
) -> tuple[tuple[Array, ...], State]:
    """-> (dz: (B, 4C), dh_t: (B, R)), (dh_{t-1}, dc_{t-1})."""
    dh, dc = dstate
    dm = dh if w_r is None else dh @ w_r.T  # h = m @ w_r
    dz_o = clipped_activation_backward(dm * step.tanh_c.y, step.o)  # m = o * tanh_c
    dc = dc + tanh_backward(dm * step.o.y, step.tanh_c)  # tanh_c = tanh(c_t), and step t+1 read c_t
    if peepholes is not None:
        dc = dc + dz_o * peepholes[2]  # z_o = ... + p_o * c_t
    dz_i = clipped_activation_backward(dc * step.g.y, step.i)  # c_t = ... + i * g
    dz_g = clipped_activation_backward(dc * step.i.y, step.g)
    dz_f = clipped_activation_backward(dc * step.c, step.f)  # c_t = f * c_{t-1} + ...
    dc_before = dc * step.f.y
    if peepholes is not None:
        dc_before = dc_before + dz_i * peepholes[0] + dz_f * peepholes[1]  # z_i = ... + p_i * c_{t-1}
    dz = xp_of(dh).concatenate((dz_i, dz_f, dz_g, dz_o), axis=-1)
    return (dz, dh), (dz @ w_h.T, dc_before)  # z = a_t + h_{t-1} @ w_h + b_h


def _blocks(z: Array) -> tuple[Array, ...]:
    """(..., 4C) -> i, f, g, o, each (..., C)."""
    width = z.shape[-1] // 4
    return tuple(z[..., k * width : (k + 1) * width] for k in range(4))


def check_lstm_shapes(
    x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, peepholes: Array | None, w_r: Array | None
) -> None:
    """Raises ValueError that names the two things that do not fit."""
    width = c0.shape[-1]
    if x.shape[-1] != w_x.shape[0] or h0.shape[-1] != w_h.shape[0]:
        raise ValueError(f"x has width {x.shape[-1]} and h0 {h0.shape[-1]}, but {w_x.shape[0]} and {w_h.shape[0]} fit")
    if w_x.shape[1] != 4 * width or w_h.shape[1] != 4 * width:
        raise ValueError(f"a cell of width {width} needs 4 x {width} columns, not w_x {w_x.shape} and w_h {w_h.shape}")
    if c0.shape[0] != h0.shape[0]:
        raise ValueError(f"h0 has batch {h0.shape[0]} but c0 has {c0.shape[0]}")
    if peepholes is not None and peepholes.shape != (3, width):
        raise ValueError(f"peepholes must be (3, {width}), not {peepholes.shape}")
    narrow = (width, width) if w_r is None else w_r.shape
    if narrow != (width, h0.shape[-1]):
        raise ValueError(f"a cell of width {width} projected by {narrow} does not give h0's width {h0.shape[-1]}")
