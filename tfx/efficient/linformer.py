"""Linformer: keys and values are mixed along the sequence into K of each, whatever the length.

    K' = E K        V' = F V                         (K, S) x (S, D) -> (K, D), (K, S) x (S, Dv) -> (K, Dv)
    out = softmax(Q K'^T scale) V'                   T x K scores instead of T x S

E and F are learned.  They may be one matrix, shared by the heads, or by all layers of a model.  A shorter sequence
uses the first S columns, and a blocked key is replaced by zeros before the mixing, so that padding adds nothing.
A mixed key holds tokens from all over the sequence, so there is no causal form: a mask must block a key for all
queries or for none.

Derivation.  The attention is exact, over other keys; it sends back dK' and dV'.  K' = E K is linear in both:

    dK = E^T dK'        dE = dK' K^T                 and the same with F and V; a shared matrix gets both

Exact: with K = S and E = F = I, without blocked keys.  Approximated: attention of low rank, when E and F have learned
to keep what matters.  Cost: O((T + S) K (D + Dv)).  It pays when S is several times K.
Source: Wang et al. 2020, "Linformer: Self-Attention with Linear Complexity", section 4, equation 7.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.efficient.key_mask import blocked_to_zero, key_mask
from tfx.efficient.tiles import leading_axes
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    attention_backward,
    attention_forward,
    check_attention_shapes,
)
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.matmul import MatmulCache, matmul_backward, matmul_forward


class LinformerCache(NamedTuple):
    k: Array
    v: Array
    e: Array
    f: Array | None
    keys: Array | None  # which take part
    mixed_k: MatmulCache
    mixed_v: MatmulCache
    attention: AttentionCache


class LinformerGrads(NamedTuple):
    dq: Array
    dk: Array
    dv: Array
    de: Array
    df: Array | None


@in_float32
def linformer_forward(
    q: Array, k: Array, v: Array, e: Array, f: Array | None = None, mask: Mask = None, scale: float | None = None
) -> tuple[Array, LinformerCache]:
    """q: (..., T, D), k: (..., S, D), v: (..., S, Dv) -> out: (..., T, Dv), in q's dtype.

    e, f: (K, L) or (H, K, L) with L at least S; f None: e mixes the values too.
    mask: boolean, broadcastable to (..., T, S), that blocks keys for all queries (see key_mask.py); all blocked: zeros.
    scale: 1 / sqrt(D) unless told.
    Raises ValueError when widths or lengths do not match, S is above L or the mask blocks single scores.
    """
    check_attention_shapes(q, k, v, mask)
    n_keys = k.shape[-2]
    lead = leading_axes(q, k, v, None)
    for name, mixer in (("e", e), ("f", f)):
        if mixer is None:
            continue
        if mixer.ndim < 2 or not mixer.shape[-2]:
            raise ValueError(f"{name} must be (K, L) or (H, K, L) with K above 0, not {mixer.shape}")
        if mixer.shape[:-2] != lead[len(lead) - mixer.ndim + 2 :]:
            raise ValueError(f"{name} is {mixer.shape} but queries and keys have {lead} in front")
        if mixer.shape[-1] < n_keys:
            raise ValueError(f"{name} mixes at most {mixer.shape[-1]} keys but there are {n_keys}")
    keys = key_mask(mask, q.shape[-2], n_keys)
    mixed_k, mixed_k_cache = matmul_forward(e[..., :n_keys], blocked_to_zero(k, keys))
    mixed_v, mixed_v_cache = matmul_forward((e if f is None else f)[..., :n_keys], blocked_to_zero(v, keys))
    out, attention_cache = attention_forward(q, mixed_k, mixed_v, None, scale)
    return out, LinformerCache(k, v, e, f, keys, mixed_k_cache, mixed_v_cache, attention_cache)


@in_float32
def linformer_backward(dout: Array, cache: LinformerCache) -> LinformerGrads:
    """dout: (..., T, Dv) -> the gradient of each input; df is None where forward had no f."""
    dq, dmixed_k, dmixed_v = attention_backward(dout, cache.attention)
    de, dk = matmul_backward(dmixed_k, cache.mixed_k)  # mixed_k = e @ k
    df, dv = matmul_backward(dmixed_v, cache.mixed_v)
    dk, dv = (fold(blocked_to_zero(dx, cache.keys), x) for dx, x in ((dk, cache.k), (dv, cache.v)))
    if cache.f is None:
        return LinformerGrads(dq, dk, dv, _widened(de + df, cache.e), None)  # e was used twice
    return LinformerGrads(dq, dk, dv, _widened(de, cache.e), _widened(df, cache.f))


def _widened(grad: Array, mixer: Array) -> Array:
    """(..., K, S) -> (..., K, L): columns beyond the sequence were not used."""
    xp = xp_of(grad)
    unused = xp.zeros((*grad.shape[:-1], mixer.shape[-1] - grad.shape[-1]), dtype=grad.dtype)
    return xp.concatenate((grad, unused), axis=-1)
