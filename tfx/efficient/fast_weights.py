"""Fast weights: linear attention whose state forgets, corrects itself, or both.

The state S of linear attention (causal_product.py) is a memory that is written by k v^T and read by q.  Only adding to
it fills it up; two remedies, alone or together:

    a_t = exp(g_t) * S_(t-1)                         decay: forget, by a factor for each row of S (g = 0 keeps all)
    u_t = beta_t (v_t - a_t^T k_t)                   delta rule: write what is missing, not all of v (u = v without)
    S_t = a_t + k_t u_t^T
    o_t = scale S_t^T q_t

With beta = 1 and |k| = 1 the memory answers k_t with v_t afterwards, whatever stood there before.

Derivation.  Backwards in time; dS is what later tokens send to S_t, and every line is undone in turn:

    dS  += scale q_t do_t^T         dq_t = scale S_t do_t               o = scale S^T q
    dk_t = dS u_t                   du = dS^T k_t        da = dS        S = a + k u^T
    dv_t = beta du                  dbeta_t = du . (v - a^T k)          u = beta (v - a^T k): with e = - beta du,
    dk_t += a e                     da += k_t e^T                       what arrives at a^T k
    dg_t = rowsum(da * a)           dS_(t-1) = exp(g) * da              a = exp(g) * S, whose slope in g is a itself

One decay for the whole state takes the sum of dg over the rows.

Exact: everything.  Cost: O(T D Dv), one token after the other; the backward keeps the T states.
Sources: delta rule: Schlag, Irie and Schmidhuber 2021, "Linear Transformers Are Secretly Fast Weight Programmers",
section 4.2; decay: Yang et al. 2023, "Gated Linear Attention", section 4.1; both: Yang, Kautz and Hatamizadeh 2024,
"Gated Delta Networks", equation 10.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.efficient.tiles import common_dtype
from tfx.half import in_float32


class FastWeightsCache(NamedTuple):
    q: Array
    k: Array
    v: Array
    decay: Array | None
    beta: Array | None
    scale: float
    given_state: Array | None
    states: tuple[Array, ...]  # S_0 ... S_T

    @property
    def last_state(self) -> Array:
        """(..., D, Dv): the `state` of the next call."""
        return self.states[-1]


class FastWeightsGrads(NamedTuple):
    dq: Array
    dk: Array
    dv: Array
    ddecay: Array | None
    dbeta: Array | None
    dstate: Array | None


@in_float32
def fast_weights_forward(
    q: Array,
    k: Array,
    v: Array,
    decay: Array | None = None,
    beta: Array | None = None,
    state: Array | None = None,
    *,
    scale: float | None = None,
) -> tuple[Array, FastWeightsCache]:
    """q: (..., T, D), k: (..., T, D), v: (..., T, Dv) -> o: (..., T, Dv); cache.last_state: (..., D, Dv).

    decay: (..., T, 1) or (..., T, D), g above, at most 0 to forget; None keeps all.  beta: (..., T, 1), most often in
    0 .. 1; None adds without correcting.  state: (..., D, Dv), zeros unless told.  scale: 1 / sqrt(D) unless told.
    Leading axes are the same everywhere.  Raises ValueError when shapes do not fit.
    """
    _check(q, k, v, decay, beta, state)
    xp = xp_of(q)
    scale = 1.0 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    dtype = common_dtype(*(x for x in (q, k, v, decay, beta, state) if x is not None))
    out = xp.empty((*q.shape[:-1], v.shape[-1]), dtype=dtype)
    current = xp.zeros((*q.shape[:-2], q.shape[-1], v.shape[-1]), dtype=dtype) if state is None else state
    states = [current]
    for t in range(q.shape[-2]):
        faded = _faded(current, decay, t)
        written = v[..., t, :]
        if beta is not None:
            written = beta[..., t, :] * (written - _times(faded.swapaxes(-1, -2), k[..., t, :]))
        current = faded + _outer(k[..., t, :], written)
        out[..., t, :] = _times(current.swapaxes(-1, -2), q[..., t, :]) * scale
        states.append(current)
    return out, FastWeightsCache(q, k, v, decay, beta, scale, state, tuple(states))


@in_float32
def fast_weights_backward(dout: Array, cache: FastWeightsCache, dlast_state: Array | None = None) -> FastWeightsGrads:
    """dout: (..., T, Dv) -> the gradient of each input, None for what forward did not have.

    dlast_state: (..., D, Dv), what arrives at cache.last_state from later calls, if anything does.
    """
    q, k, v, decay, beta, scale, given_state, states = cache
    xp = xp_of(q)
    dq, dk, dv = xp.empty_like(q), xp.empty_like(k), xp.empty_like(v)
    ddecay: Any = None if decay is None else xp.empty_like(decay)
    dbeta: Any = None if beta is None else xp.empty_like(beta)
    dstate = xp.zeros_like(states[-1]) if dlast_state is None else dlast_state
    for t in reversed(range(q.shape[-2])):
        key, dout_t = k[..., t, :], dout[..., t, :] * scale
        faded = _faded(states[t], decay, t)
        dq[..., t, :] = _times(states[t + 1], dout_t)  # out = scale * state^T q
        dstate = dstate + _outer(q[..., t, :], dout_t)
        dwritten = _times(dstate.swapaxes(-1, -2), key)  # state = faded + k written^T
        dfaded = dstate
        if beta is None:
            dk[..., t, :] = _times(dstate, v[..., t, :])
            dv[..., t, :] = dwritten
        else:  # written = beta * (v - faded^T k)
            missing = v[..., t, :] - _times(faded.swapaxes(-1, -2), key)
            dv[..., t, :] = beta[..., t, :] * dwritten
            dbeta[..., t, :] = (dwritten * missing).sum(axis=-1, keepdims=True)
            dk[..., t, :] = _times(dstate, beta[..., t, :] * missing) - _times(faded, dv[..., t, :])
            dfaded = dfaded - _outer(key, dv[..., t, :])
        dstate = dfaded
        if decay is not None:  # faded = exp(decay) * state
            slope = (dfaded * faded).sum(axis=-1)
            ddecay[..., t, :] = slope if decay.shape[-1] != 1 else slope.sum(axis=-1, keepdims=True)
            dstate = xp.exp(decay[..., t, :])[..., None] * dfaded
    return FastWeightsGrads(dq, dk, dv, ddecay, dbeta, None if given_state is None else dstate)


def _faded(state: Array, decay: Array | None, t: int) -> Array:
    """a = exp(g) * S: (..., D, Dv)."""
    return state if decay is None else xp_of(state).exp(decay[..., t, :])[..., None] * state


def _times(matrix: Array, vector: Array) -> Array:
    """(..., D, Dv), (..., Dv) -> (..., D)."""
    return (matrix @ vector[..., None])[..., 0]


def _outer(a: Array, b: Array) -> Array:
    """(..., D), (..., Dv) -> (..., D, Dv)."""
    return a[..., :, None] * b[..., None, :]


def _check(q: Array, k: Array, v: Array, decay: Array | None, beta: Array | None, state: Array | None) -> None:
    lead, length, width = q.shape[:-2], q.shape[-2], q.shape[-1]
    allowed: dict[str, tuple[Array | None, tuple[tuple[int, ...], ...]]] = {
        "k": (k, (q.shape,)),
        "v": (v, ((*lead, length, v.shape[-1]),)),
        "decay": (decay, ((*lead, length, 1), (*lead, length, width))),
        "beta": (beta, ((*lead, length, 1),)),
        "state": (state, ((*lead, width, v.shape[-1]),)),
    }
    for name, (given, shapes) in allowed.items():
        if given is not None and given.shape not in shapes:
            raise ValueError(f"{name} has shape {given.shape} but q is {q.shape}, so it must be {shapes[-1]}")
