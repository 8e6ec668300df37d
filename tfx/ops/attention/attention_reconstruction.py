"""Attention reconstruction: how much an attention notices that its memory was compressed.

    loss = mean over queries and features of (attention(q, k_old, v_old) - attention(q, k_new, v_new))^2

k_old, v_old belong to S places of memory, k_new, v_new to the fewer places they were compressed to.  What no query
looks for may be lost at no cost.

Derivation.  With e = o_new - o_old and n numbers in it, do_new = dloss 2 e / n, and ops/attention/scaled_dot_product.py
goes on to k_new and v_new.  The paper stops all other gradients: queries and old memory are constants here, so that the
model does not learn to be easy to compress.
Source: Rae et al. 2020, "Compressive Transformers for Long-Range Sequence Modelling", section 3.2 and algorithm 2. They
add up squares; the mean does not depend on sizes.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward, attention_forward


class AttentionReconstructionCache(NamedTuple):
    error: Array  # (..., T, Dv)
    attention: AttentionCache


class AttentionReconstructionGrads(NamedTuple):
    dnew_k: Array
    dnew_v: Array


@in_float32
def attention_reconstruction_forward(
    new_k: Array, new_v: Array, q: Array, old_k: Array, old_v: Array
) -> tuple[Array, AttentionReconstructionCache]:
    """q: (..., T, D), old_k, old_v: (..., S, D), new_k, new_v: (..., S', D) -> loss: (), cache; 0 for no query.

    Raises ValueError when widths or lengths do not match.
    """
    want, _ = attention_forward(q, old_k, old_v)
    have, attention = attention_forward(q, new_k, new_v)
    error = have - want
    return (error * error).sum() * (1.0 / max(error.size, 1)), AttentionReconstructionCache(error, attention)


@in_float32
def attention_reconstruction_backward(
    dloss: Array | float, cache: AttentionReconstructionCache
) -> AttentionReconstructionGrads:
    """dloss: () -> dnew_k, dnew_v.  The gradients of q, old_k and old_v are stopped."""
    error, attention = cache
    dhave = (error * dloss * (2.0 / max(error.size, 1))).astype(error.dtype)  # loss = mean((have - want)^2)
    _, dk, dv = attention_backward(dhave, attention)
    return AttentionReconstructionGrads(dk, dv)
