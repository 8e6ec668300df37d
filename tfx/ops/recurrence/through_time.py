"""Recurrence through time, and backpropagation through time, for any step.

    state_t = step(a_t, state_{t-1})       one step after the other; reversed: from the last place to the first
    y_t     = state_t[0]                   what the layer above sees; an LSTM's state has a second part, its cell

A row that is shorter than T has ended at its length: from there on it holds its state, state_t = state_{t-1}, so the
last state of a padded row is the state at its own end.  Reversed, the same rule makes every row start at its own end:
the filling is passed first, and the initial state is held through it.

Derivation.  Every state is used twice: it is an output, and it is read by the next step.  So, against the order of the
forward, with dlast as the first gradient from the future,

    dstate_t = dy_t + (the gradient that step t+1 sends back to the state it read)
    da_t, dstate_{t-1} = step_backward(dstate_t)

and where a row has ended, dstate_{t-1} = dstate_t.  A weight used by every step collects a term from each:
dW = sum_t (what W was multiplied with at t)^T dz_t.
Source: Werbos 1990, "Backpropagation Through Time: What It Does and How to Do It".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import as_given
from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.linear import LinearCache
from tfx.ops.basics.weighted_sum import summed_products

State = tuple[Array, ...]  # each (B, .)
#: step(a_t, state) -> (the next state, what its backward needs)
Step = Callable[[Array, State], tuple[State, Any]]
#: step_backward(dstate, step cache) -> (gradients that the caller collects, dstate of the step before)
StepBackward = Callable[[State, Any], tuple[tuple[Array, ...], State]]


class ThroughTimeCache(NamedTuple):
    steps: tuple[Any, ...]  # the cache of the step at each place 0 .. T-1
    keep: Array | None  # (B, T, 1), True where a row has not ended
    reverse: bool
    last: State  # the state after the last step in the order of the forward


class RecurrentCache(NamedTuple):
    """What a whole recurrent network leaves: h_t from x_t W_x and h_{t-1} W_h."""

    inputs: LinearCache  # x @ w_x + b
    time: ThroughTimeCache
    w_h: Array
    has_b_h: bool
    further: Any = None  # what else the backward needs: an LSTM's peepholes and projection

    @property
    def last(self) -> State:
        """(h,), or (h, c) of an LSTM: the last state, each (B, .)."""
        return tuple(as_given(self, part) for part in self.time.last)


class RecurrentGrads(NamedTuple):
    dx: Array
    dh0: Array
    dw_x: Array
    dw_h: Array
    db: Array | None
    db_h: Array | None


def run_through_time(
    step: Step, a: Array, state: State, lengths: Any = None, reverse: bool = False
) -> tuple[Array, ThroughTimeCache]:
    """a: (B, T, G), state: arrays (B, .) -> y: (B, T, C), the first part of the state at every place, cache.

    lengths: (B,) integers, or None for full rows.  cache.last is the last state.  T = 0 leaves the state as it was.
    Raises ValueError when a length is negative or larger than T, or the state has another batch.
    """
    if state[0].shape[0] != a.shape[0]:
        raise ValueError(f"the initial state has batch {state[0].shape[0]} but x has {a.shape[0]}")
    xp, n_steps = xp_of(a), a.shape[1]
    keep = None if lengths is None else padding_mask(lengths, n_steps, xp)[:, 0, 0, :, None]
    if keep is not None:
        a = xp.where(keep, a, 0).astype(a.dtype, copy=False)  # what stands behind the end of a row is not read
    y: list[Any] = [None] * n_steps
    steps: list[Any] = [None] * n_steps
    for t in _order(n_steps, reverse):
        entered, steps[t] = step(a[:, t], state)
        state = entered if keep is None else _where(keep[:, t], entered, state)
        y[t] = state[0]
    return over_time(y, state[0], state[0].shape[-1]), ThroughTimeCache(tuple(steps), keep, reverse, state)


def backpropagate_through_time(
    step_backward: StepBackward, dy: Array, cache: ThroughTimeCache, dlast: Sequence[Array | None] | None = None
) -> tuple[list[tuple[Array, ...]], State]:
    """dy: (B, T, C) -> what step_backward collected at places 0 .. T-1, and the gradient of the initial state.

    dlast: the gradient of cache.last, part by part, None for a part (or all of it) that nobody reads.
    """
    steps, keep, reverse, last = cache
    xp = xp_of(dy)
    given = (None,) * len(last) if dlast is None else dlast
    dstate = tuple(xp.zeros_like(part) if d is None else d for d, part in zip(given, last, strict=True))
    collected: list[tuple[Array, ...]] = [()] * len(steps)
    for t in reversed(_order(len(steps), reverse)):
        dstate = (dstate[0] + dy[:, t], *dstate[1:])  # y_t = state_t[0], and the next step read state_t
        if keep is None:
            collected[t], dstate = step_backward(dstate, steps[t])
        else:
            entering = tuple(xp.where(keep[:, t], part, 0) for part in dstate)
            collected[t], dbefore = step_backward(entering, steps[t])
            dstate = _where(keep[:, t], dbefore, dstate)  # an ended row: state_t = state_{t-1}
    return collected, dstate


def over_time(parts: Sequence[Array], like: Array, width: int) -> Array:
    """T arrays (B, width) -> (B, T, width), also for T = 0; like: (B, .) has their batch, dtype and device."""
    xp = xp_of(like)
    return xp.stack(parts, axis=1) if parts else xp.zeros((like.shape[0], 0, width), dtype=like.dtype)


def weight_gradient(x: Array, dz: Array) -> Array:
    """x: (B, T, I), dz: (B, T, J) -> sum over rows and steps of x_t^T dz_t: (I, J), for z_t = x_t W."""
    return summed_products(x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1]))


def _order(n_steps: int, reverse: bool) -> range:
    return range(n_steps - 1, -1, -1) if reverse else range(n_steps)


def _where(keep: Array, running: State, ended: State) -> State:
    xp = xp_of(keep)
    return tuple(xp.where(keep, new, old) for new, old in zip(running, ended, strict=True))
