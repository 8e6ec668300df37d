"""Linear attention: a feature map instead of the exponential, so that keys and values can be summed up beforehand.

    softmax attention     o_t = sum_s exp(q_t . k_s) v_s / sum_s exp(q_t . k_s)
    linear attention      o_t = sum_s (phi(q_t) . phi(k_s)) v_s / sum_s phi(q_t) . phi(k_s)
                              = phi(q_t) S / phi(q_t) z        S = sum_s phi(k_s) v_s^T,  z = sum_s phi(k_s)

S and z do not depend on the query: O(T + S) instead of O(T S).  Where a token may see its past only, the sums run up
to t, which makes it a recurrent network with the state (S, z); parallel, chunked and recurrent are the three ways of
causal_product.py to compute the same numbers.  The sum z is treated as one more value, which is always 1: with
w_s = [v_s, 1] one product gives numerator and denominator, [n_t, d_t] = phi(q_t) sum_s phi(k_s) w_s^T.

Derivation.  o = n / d, so with do from above

    dn = do / d        dd = - (do . n) / d^2 = - (do . o) / d

and [dn, dd] goes back through the product, which is linear in each of phi(q), phi(k), w, and through the feature map.
The column of ones is a constant: its gradient is dropped.

Exact: equal to attention with the kernel phi(q) . phi(k).  Approximated: softmax attention, not at all closely; the
model has to be trained with it.  Cost: O((T + S) D Dv) time; memory O((T + S) (D + Dv) + D Dv).  It pays when T is
larger than the head width D.
Source: Katharopoulos et al. 2020, "Transformers are RNNs: Fast Autoregressive Transformers with Linear Attention",
equations 5 to 12 and 16 to 20.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.efficient.causal_product import CausalProductCache, causal_product_backward, causal_product_forward
from tfx.efficient.feature_maps import find_feature_map
from tfx.efficient.key_mask import blocked_to_zero, key_mask
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes
from tfx.ops.basics.broadcast import fold


class FeatureAttentionCache(NamedTuple):
    q: Array  # features of the queries
    given: Array  # features of the keys
    k: Array  # the same, zero where blocked
    values: Array  # [v, 1]
    keys: Array | None  # which take part
    state: Any  # over all keys; None when causal
    causal: CausalProductCache | None
    divisor: Array
    out: Array

    @property
    def last_state(self) -> Array:
        """sum_s phi(k_s) [v_s, 1]^T over every key so far: (..., D, Dv + 1), the `state` of the next call."""
        return self.state if self.causal is None else self.causal.last_state


class LinearAttentionCache(NamedTuple):
    feature_map: str
    query: Any
    key: Any
    scale: float | None
    attention: FeatureAttentionCache

    @property
    def last_state(self) -> Array:
        """(..., D, Dv + 1), the `state` of the next call."""
        return self.attention.last_state


@in_float32
def linear_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    causal: bool = False,
    feature_map: str = "elu",
    chunk: int = 64,
    state: Array | None = None,
) -> tuple[Array, LinearAttentionCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    mask: boolean, broadcastable to (..., T, S), that blocks keys for all queries (see key_mask.py).
    scale: of the queries before the feature map, 1 unless told.  feature_map: see feature_maps.py.
    causal: the last query sees every key, the one before all but one ...; chunk: 1 is the recurrent form, T the
    parallel one.  state: cache.last_state of a causal call on the tokens before; a constant, no gradient goes there.
    Raises ValueError when widths or lengths do not match, or the mask blocks single scores.
    """
    check_attention_shapes(q, k, v, mask)
    whole_number("chunk", chunk, 1)
    phi = find_feature_map(feature_map)
    fq, query_cache = phi.forward(q if scale is None else q * scale)
    k = blocked_to_zero(k, key_mask(mask, q.shape[-2], k.shape[-2], causal))
    fk, key_cache = phi.forward(k)
    out, attention_cache = feature_attention_forward(fq, fk, v, mask, causal=causal, chunk=chunk, state=state)
    return out, LinearAttentionCache(feature_map, query_cache, key_cache, scale, attention_cache)


@in_float32
def linear_attention_backward(dout: Array, cache: LinearAttentionCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of q, k, v."""
    phi = find_feature_map(cache.feature_map)
    dfq, dfk, dv = feature_attention_backward(dout, cache.attention)
    dq = phi.backward(dfq, cache.query)  # fq = phi(q * scale)
    return dq if cache.scale is None else dq * cache.scale, phi.backward(dfk, cache.key), dv


@in_float32
def feature_attention_forward(
    q: Array,
    k: Array,
    v: Array,
    mask: Mask = None,
    *,
    causal: bool = False,
    chunk: int = 64,
    state: Array | None = None,
    sizes: Array | None = None,
) -> tuple[Array, FeatureAttentionCache]:
    """The same with features that are ready: q (..., T, D), k (..., S, D), both non-negative.

    sizes: (..., S), when causal: logarithms of a factor of each key's features (causal_product.py), constants.
    A query whose weights are all 0 gives zeros, like a fully blocked one.
    """
    xp = xp_of(q)
    if state is not None and not causal:
        raise ValueError("a state of earlier tokens needs causal=True")
    keys = key_mask(mask, q.shape[-2], k.shape[-2], causal)
    values = xp.concatenate((blocked_to_zero(v, keys), xp.ones_like(v[..., :1])), axis=-1)
    given, k = k, blocked_to_zero(k, keys)
    causal_cache = None
    if causal:
        before = k.shape[-2] - q.shape[-2]  # keys in front of the first query: give them queries that ask nothing
        asking = _zeros_in_front(q, before)
        answering = _zeros_in_front(k, -before), _zeros_in_front(values, -before)
        if sizes is not None:
            silent = xp.full((*sizes.shape[:-1], max(0, -before)), -math.inf, dtype=sizes.dtype)
            sizes = xp.concatenate((silent, sizes), axis=-1)
        product, causal_cache = causal_product_forward(asking, *answering, state, chunk=chunk, sizes=sizes)
        product, state = product[..., max(0, before) :, :], None
    else:
        state = k.swapaxes(-1, -2) @ values  # (..., D, Dv + 1)
        product = q @ state
    total = product[..., -1:]
    divisor = xp.where(total == 0, 1, total).astype(total.dtype)
    out = product[..., :-1] / divisor
    return out, FeatureAttentionCache(q, given, k, values, keys, state, causal_cache, divisor, out)


@in_float32
def feature_attention_backward(dout: Array, cache: FeatureAttentionCache) -> tuple[Array, Array, Array]:
    """dout: (..., T, Dv) -> dq, dk, dv, in the shapes of the features q, k and of v."""
    q, given, k, values, keys, state, causal_cache, divisor, out = cache
    dnumerator = dout / divisor  # out = numerator / divisor
    dtotal = -(dnumerator * out).sum(axis=-1, keepdims=True)
    dproduct = xp_of(q).concatenate((dnumerator, dtotal), axis=-1)
    if causal_cache is None:
        dq = dproduct @ state.swapaxes(-1, -2)  # product = q @ state
        dstate = q.swapaxes(-1, -2) @ dproduct
        dk = values @ dstate.swapaxes(-1, -2)  # state = k^T @ values
        dvalues = k @ dstate
    else:
        before = k.shape[-2] - q.shape[-2]
        grads = causal_product_backward(_zeros_in_front(dproduct, before), causal_cache)
        dq = grads.dq[..., max(0, before) :, :]  # what was put in front is taken off again
        dk, dvalues = grads.dk[..., max(0, -before) :, :], grads.dv[..., max(0, -before) :, :]
    dk = fold(blocked_to_zero(dk, keys), given)  # k = blocked_to_zero(given)
    return fold(dq, q), dk, fold(dvalues, values)[..., :-1]


def _zeros_in_front(x: Array, n: int) -> Array:
    """x: (..., T, D) -> (..., n + T, D), or x itself when n is not positive."""
    if n <= 0:
        return x
    xp = xp_of(x)
    return xp.concatenate((xp.zeros((*x.shape[:-2], n, x.shape[-1]), dtype=x.dtype), x), axis=-2)
