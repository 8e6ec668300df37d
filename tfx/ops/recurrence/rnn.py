"""Simple recurrent network (Elman), and backpropagation through time.

    h_t = tanh(x_t W_x + h_{t-1} W_h + b)          one step needs the step before: T steps in sequence

Derivation.  Every h_t is used twice: it is an output, and it feeds h_{t+1}.  So, from the last step to the first,

    dh_t = dy_t + dz_{t+1} W_h^T            what arrives from above plus what comes back from the future
    dz_t = dh_t * (1 - h_t^2)               tanh' = 1 - tanh^2
    dx_t = dz_t W_x^T
    dW_x = sum_t x_t^T dz_t     dW_h = sum_t h_{t-1}^T dz_t     db = sum_t dz_t

A gradient that travels k steps back is multiplied k times by diag(1 - h^2) W_h^T.  Since 1 - h^2 <= 1, a W_h of
spectral norm (the most by which it stretches a vector) below 1 always makes it vanish.  Near h = 0, where all k factors
are W_h^T, they are a k-th power: with a spectral radius (size of the largest eigenvalue) below 1 the gradient vanishes
in the end, above 1 it may explode.
Sources: Elman 1990, "Finding Structure in Time"; Werbos 1990, "Backpropagation Through Time"; Bengio et al. 1994,
"Learning Long-Term Dependencies with Gradient Descent is Difficult"; Pascanu et al. 2013, section 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.sums import column_sums
from tfx.ops.feed_forward.activations import ACTIVATIONS
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

RnnCache = RecurrentCache
RnnGrads = RecurrentGrads


class RnnStepCache(NamedTuple):
    h: Array  # h_{t-1}: (B, C)
    activation: ClippedActivationCache


@in_float32
def rnn_forward(
    x: Array,
    h0: Array,
    w_x: Array,
    w_h: Array,
    b: Array | None = None,
    b_h: Array | None = None,
    *,
    activation: str = "tanh",
    clip: float | None = None,
    lengths: Any = None,
    reverse: bool = False,
) -> tuple[Array, RnnCache]:
    """x: (B, T, I), h0: (B, C), w_x: (I, C), w_h: (C, C), b: (C,) -> h: (B, T, C), all states after the first.

    cache.last is (h,), the last state.  b_h: (C,), a second offset, added to h_{t-1} W_h; it does what b does, but
    other libraries have both.  activation: "tanh", "relu" or another name in ACTIVATIONS; clip: limits its argument.
    lengths: (B,), a row holds its state after its end.  reverse: from the last place to the first.
    Raises ValueError when a width, a batch or a length does not match.
    """
    if x.shape[-1] != w_x.shape[0] or h0.shape[-1] != w_h.shape[0]:
        raise ValueError(f"x has width {x.shape[-1]} and h0 {h0.shape[-1]}, but {w_x.shape[0]} and {w_h.shape[0]} fit")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {activation!r}")
    a, inputs = linear_forward(x, w_x, b)  # (B, T, C): this half has no sequence in it

    def step(a_t: Array, state: State) -> tuple[State, RnnStepCache]:
        z = a_t + linear_forward(state[0], w_h, b_h)[0]
        h, bent = clipped_activation_forward(z, activation, clip)
        return (h,), RnnStepCache(state[0], bent)

    h, time = run_through_time(step, a, (h0,), lengths, reverse)
    return h, RnnCache(inputs, time, w_h, b_h is not None)


@in_float32
def rnn_backward(dh: Array, cache: RnnCache, dlast: State | None = None) -> RnnGrads:
    """dh: (B, T, C), the gradient at every state -> gradients in the shapes of x, h0, w_x, w_h, b, b_h.

    dlast: (dh,), a further gradient, (B, C), that arrives at the last state, cache.last.
    """
    inputs, time, w_h, has_b_h, _ = cache

    def step_backward(dstate: State, step: RnnStepCache) -> tuple[tuple[Array, ...], State]:
        dz = clipped_activation_backward(dstate[0], step.activation)  # h = activation(clip(z))
        return (dz,), (dz @ w_h.T,)  # z = a_t + h_{t-1} @ w_h + b_h

    steps, (dh0,) = backpropagate_through_time(step_backward, dh, time, dlast)
    width = w_h.shape[0]
    dz = over_time([dz for (dz,) in steps], dh0, width)
    dx, dw_x, db = linear_backward(dz, inputs)  # a = x @ w_x + b
    dw_h = weight_gradient(over_time([step.h for step in time.steps], dh0, width), dz)
    return RnnGrads(dx, dh0, dw_x, dw_h, db, column_sums(dz) if has_b_h else None)
