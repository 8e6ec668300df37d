"""Causal product: attention without a softmax, where the past fits into one matrix.

    y_t = sum_(s <= t) (q_t . k_s) v_s                     as attention: (Q K^T, lower triangle) V, O(T^2)
        = q_t S_t,   S_t = S_(t-1) + k_t v_t^T             as a recurrence: a state of D x Dv numbers, O(T)

Both are one computation in chunks: within a chunk the triangle, from chunk to chunk the state,

    y_chunk = (Q K^T, lower triangle) V + Q S              S <- S + K^T V

so that a chunk of T is the parallel form and a chunk of 1 the recurrent one.

Derivation.  Write dS for what arrives at the last state, and R_s = dS + sum_(t >= s) q_t dy_t^T, a sum from the end.
v_s enters y_t through (q_t . k_s) v_s for every t >= s, and k_s likewise; q_t enters y_t only:

    dq_t = S_t dy_t   = sum_(s <= t) (dy_t . v_s) k_s + S_0 dy_t       a causal product of (dy, v, k), state S_0^T
    dk_s = R_s v_s    = sum_(t >= s) (v_s . dy_t) q_t + dS v_s         the same of (v, dy, q), backwards, state dS^T
    dv_s = R_s^T k_s  = sum_(t >= s) (k_s . q_t) dy_t + dS^T k_s       the same of (k, q, dy), backwards, state dS
    dS_0 = R_1                                                         the last state of that sum from the end

So the backward is the forward three times, and costs as little.

Sizes.  Keys may come as k_s exp(c_s), where exp(c_s) is beyond all floats.  Then y_t is given in units of
exp(m_t), m_t = max_(s <= t) c_s, which a quotient of two such products loses again:

    y_t = sum_(s <= t) exp(c_s - m_t) (q_t . k_s) v_s       every exponent is at most 0, and a later key plays no part

c and m count as constants.  Backwards the units shrink: dk_s = exp(c_s - m_s) sum_(t >= s) exp(m_s - m_t) (...), which
is the same sum from the end with the sizes -m_t.
Source: Katharopoulos et al. 2020, "Transformers are RNNs", section 3.3 and algorithm 1; chunks: Hua et al. 2022,
"Transformer Quality in Linear Time", section 3.3.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.efficient.tiles import diagonal_tile, spans
from tfx.half import in_float32
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.weighted_sum import weighted_sum


class CausalProductCache(NamedTuple):
    q: Array
    k: Array
    v: Array
    state: Array | None  # before the first token
    last_state: Array  # after the last: the state of the next call
    chunk: int
    sizes: Array | None = None  # c: (..., T)
    units: Array | None = None  # m: (..., T)


class CausalProductGrads(NamedTuple):
    dq: Array
    dk: Array
    dv: Array
    dstate: Array | None


@in_float32
def causal_product_forward(
    q: Array, k: Array, v: Array, state: Array | None = None, *, chunk: int = 64, sizes: Array | None = None
) -> tuple[Array, CausalProductCache]:
    """q: (..., T, D), k: (..., T, D), v: (..., T, Dv) -> y: (..., T, Dv); cache.last_state: (..., D, Dv).

    state: (..., D, Dv), the sum of k v^T over earlier tokens, zeros unless told.
    sizes: (..., T), logarithms of a factor of each key, -inf for 0; y is then in units of the largest so far.
    Raises ValueError when lengths or widths differ, chunk is below 1, or state and sizes are both given.
    """
    if not q.shape[-2] == k.shape[-2] == v.shape[-2]:
        raise ValueError(f"there are {q.shape[-2]} queries, {k.shape[-2]} keys and {v.shape[-2]} values")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"keys have width {k.shape[-1]} but queries have {q.shape[-1]}")
    if state is not None and state.shape[-2:] != (k.shape[-1], v.shape[-1]):
        raise ValueError(f"a state for keys {k.shape} and values {v.shape} is no {state.shape}")
    if sizes is not None:
        if state is not None:
            raise ValueError("a state has no sizes: give one of the two")
        y, last_state, units = _sized_product(q, k, v, sizes, chunk)
        return y, CausalProductCache(q, k, v, None, last_state, chunk, sizes, units)
    y, last_state = _product(q, k, v, state, chunk)
    return y, CausalProductCache(q, k, v, state, last_state, chunk)


@in_float32
def causal_product_backward(
    dy: Array, cache: CausalProductCache, dlast_state: Array | None = None
) -> CausalProductGrads:
    """dy: (..., T, Dv) -> the gradient of each input; dstate is None where forward had no state.

    dlast_state: (..., D, Dv), what arrives at cache.last_state from later calls, if anything does.
    """
    q, k, v, state, _, chunk, sizes, units = cache
    if sizes is not None and units is not None:
        return _sized_product_backward(dy, cache, sizes, units)
    xp = xp_of(q)
    q_back, k_back, v_back, dy_back = (xp.flip(x, axis=-2) for x in (q, k, v, dy))
    dq, _ = _product(dy, v, k, _transposed(state), chunk)
    dk_back, _ = _product(v_back, dy_back, q_back, _transposed(dlast_state), chunk)
    dv_back, dstate = _product(k_back, q_back, dy_back, dlast_state, chunk)
    dk, dv = xp.flip(dk_back, axis=-2), xp.flip(dv_back, axis=-2)
    return CausalProductGrads(fold(dq, q), fold(dk, k), fold(dv, v), None if state is None else fold(dstate, state))


def _product(q: Array, k: Array, v: Array, state: Array | None, chunk: int) -> tuple[Array, Array]:
    """y and the state after the last token."""
    xp = xp_of(q)
    parts = []
    for rows in spans(q.shape[-2], chunk, "chunk"):
        q_rows, k_rows, v_rows = q[..., rows, :], k[..., rows, :], v[..., rows, :]
        weights = q_rows @ k_rows.swapaxes(-1, -2)
        weights = xp.where(diagonal_tile(rows, rows, 0, xp), weights, 0).astype(weights.dtype)
        y = weighted_sum(weights, v_rows)
        parts.append(y if state is None else y + q_rows @ state)
        added = k_rows.swapaxes(-1, -2) @ v_rows
        state = added if state is None else state + added
    if state is None:
        state = k.swapaxes(-1, -2) @ v  # no tokens: zeros
    if not parts:
        parts = [q @ state]
    return xp.concatenate(parts, axis=-2), state


def _sized_product(q: Array, k: Array, v: Array, sizes: Array, chunk: int) -> tuple[Array, Array, Array]:
    """y, the state after the last token in units of exp(m_T), and m."""
    xp = xp_of(q)
    parts, units, state, unit = [], [], None, xp.full((*sizes.shape[:-1], 1), -math.inf, dtype=sizes.dtype)
    for rows in spans(q.shape[-2], chunk, "chunk"):
        q_rows, k_rows, v_rows, here = q[..., rows, :], k[..., rows, :], v[..., rows, :], sizes[..., None, rows]
        below = xp.where(diagonal_tile(rows, rows, 0, xp), here, -math.inf).astype(sizes.dtype)  # (..., t, s)
        tops = xp.maximum(below.max(axis=-1), unit)  # m: (..., t)
        floor = xp.where(tops == -math.inf, 0, tops).astype(tops.dtype)  # no key yet
        weights = (q_rows @ k_rows.swapaxes(-1, -2)) * xp.exp(below - floor[..., None])
        y = weighted_sum(xp.where(below == -math.inf, 0, weights).astype(weights.dtype), v_rows)
        parts.append(y if state is None else y + xp.exp(unit - floor)[..., None] * (q_rows @ state))
        last = floor[..., -1:]
        grown = k_rows * xp.exp(here - last[..., None]).swapaxes(-1, -2)
        added = grown.swapaxes(-1, -2) @ v_rows
        state = added if state is None else xp.exp(unit - last)[..., None] * state + added
        units.append(tops)
        unit = tops[..., -1:]
    if state is None:
        return q @ (k.swapaxes(-1, -2) @ v), k.swapaxes(-1, -2) @ v, sizes  # no tokens: zeros
    return xp.concatenate(parts, axis=-2), state, xp.concatenate(units, axis=-1)


def _sized_product_backward(dy: Array, cache: CausalProductCache, sizes: Array, units: Array) -> CausalProductGrads:
    """The gradients of `_sized_product`, whose units are constants."""
    q, k, v, chunk = cache.q, cache.k, cache.v, cache.chunk
    xp = xp_of(q)
    dq, _, _ = _sized_product(dy, v, k, sizes, chunk)
    falling = xp.where(units == -math.inf, 0, units).astype(units.dtype)  # where no key is, nothing is multiplied
    q_back, k_back, v_back, dy_back = (xp.flip(x, axis=-2) for x in (q, k, v, dy))
    dk_back, _, _ = _sized_product(v_back, dy_back, q_back, -xp.flip(falling, axis=-1), chunk)
    dv_back, _, _ = _sized_product(k_back, q_back, dy_back, -xp.flip(falling, axis=-1), chunk)
    share = xp.exp(sizes - falling)[..., None]  # exp(c_s - m_s)
    dk, dv = xp.flip(dk_back, axis=-2) * share, xp.flip(dv_back, axis=-2) * share
    return CausalProductGrads(fold(dq, q), fold(dk, k), fold(dv, v), None)


def _transposed(state: Array | None) -> Array | None:
    return None if state is None else state.swapaxes(-1, -2)
