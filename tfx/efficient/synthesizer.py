"""Synthesizer: weights that are not made of queries and keys.

    dense     B_t = relu(x_t W1 + b1) W2 + b2        each token makes its own row of scores, without looking at others
    random    B                                       scores that are learned, or fixed, and the same for any text
    both      out = softmax(B) V                      (T, S), blocked entries at -inf first

A dense row has as many entries as the longest sequence, L; a shorter one uses the first S.  Query t of T stands at
place S - T + t, so that stored keys of earlier tokens work.  Factorised scores, R1 R2^T with few columns, are made by
ops/basics/matmul.py and go into the random form.

Derivation.  out = softmax(B) V is ops/attention/attend.py and sends back dB and dV.  Entries of B beyond the sequence
were not used and get 0; the network is two linear maps and a relu, undone in turn:

    dh = dB W2^T      dW2 = h^T dB      db2 = colsum(dB)      dz = dh * (z > 0)      dx = dz W1^T      dW1 = x^T dz ...

Exact: there is nothing to approximate; it is another model.  A random one cannot look for content at all.
Cost: T x S weights as before; what is saved is the products Q K^T.
Source: Tay et al. 2021, "Synthesizer: Rethinking Self-Attention for Transformer Models", sections 3.1 and 3.2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.attention.attend import AttendCache, attend_backward, attend_forward
from tfx.ops.attention.masks import Mask
from tfx.ops.basics.broadcast import fold
from tfx.ops.basics.matmul import MatmulCache, matmul_backward, matmul_forward
from tfx.ops.feed_forward.activations import ReluCache, relu_backward, relu_forward


class RandomSynthesizerCache(NamedTuple):
    scores: Array
    rows: slice
    attend: AttendCache


class DenseSynthesizerCache(NamedTuple):
    first: MatmulCache
    relu: ReluCache
    second: MatmulCache
    b1: Array
    b2: Array
    attend: AttendCache


class DenseSynthesizerGrads(NamedTuple):
    dx: Array
    dv: Array
    dw1: Array
    db1: Array
    dw2: Array
    db2: Array


@in_float32
def random_synthesizer_forward(
    v: Array, scores: Array, n_queries: int | None = None, mask: Mask = None
) -> tuple[Array, RandomSynthesizerCache]:
    """v: (..., S, Dv), scores: (L, L) or (H, L, L) with L at least S -> out: (..., T, Dv), in v's dtype.

    n_queries: T, S unless told; they are the last T of the S places.  mask: boolean, broadcastable to (..., T, S),
    True = may attend; a fully blocked row gives zeros.  Raises ValueError when S is above L or T above S.
    """
    n_keys = v.shape[-2]
    n_queries = n_keys if n_queries is None else whole_number("n_queries", n_queries, 0)
    if n_queries > n_keys:
        raise ValueError(f"{n_queries} queries cannot be the last of {n_keys} places")
    if scores.shape[-1] < n_keys or scores.shape[-2] < n_keys:
        raise ValueError(f"scores are {scores.shape} but there are {n_keys} keys")
    if scores.ndim > 2 and v.ndim > 2 and scores.shape[-3] not in (1, v.shape[-3]):
        raise ValueError(f"scores are for {scores.shape[-3]} heads but values have {v.shape[-3]}")
    rows = slice(n_keys - n_queries, n_keys)
    out, attend_cache = attend_forward(scores[..., rows, :n_keys], v, mask)
    return out, RandomSynthesizerCache(scores, rows, attend_cache)


@in_float32
def random_synthesizer_backward(dout: Array, cache: RandomSynthesizerCache) -> tuple[Array, Array]:
    """dout: (..., T, Dv) -> dv: (..., S, Dv), dscores: the shape of scores, 0 where they were not used."""
    dused, dv = attend_backward(dout, cache.attend)
    dscores = xp_of(dout).zeros_like(cache.scores)
    used = cache.scores[..., cache.rows, : dused.shape[-1]]
    dscores[..., cache.rows, : dused.shape[-1]] = fold(dused, used)
    return dv, dscores


@in_float32
def dense_synthesizer_forward(
    x: Array, v: Array, w1: Array, b1: Array, w2: Array, b2: Array, mask: Mask = None
) -> tuple[Array, DenseSynthesizerCache]:
    """x: (..., T, D), v: (..., S, Dv) -> out: (..., T, Dv), in v's dtype.

    w1: (D, F), b1: (1, F), w2: (F, L), b2: (1, L) with L at least S, or each with an axis for the heads in front.
    mask: boolean, broadcastable to (..., T, S), True = may attend; a fully blocked row gives zeros.
    Raises ValueError when widths do not match or S is above L.
    """
    n_keys = v.shape[-2]
    if w2.shape[-1] < n_keys:
        raise ValueError(f"w2 makes {w2.shape[-1]} scores but there are {n_keys} keys")
    for name, b, w in (("b1", b1, w1), ("b2", b2, w2)):
        if b.shape[-1] != w.shape[-1]:
            raise ValueError(f"{name} is {b.shape} but the map before it makes {w.shape[-1]} numbers")
    inner, first_cache = matmul_forward(x, w1)
    hidden, relu_cache = relu_forward(inner + b1)
    product, second_cache = matmul_forward(hidden, w2[..., :n_keys])
    out, attend_cache = attend_forward(product + b2[..., :n_keys], v, mask)
    return out, DenseSynthesizerCache(first_cache, relu_cache, second_cache, b1, b2, attend_cache)


@in_float32
def dense_synthesizer_backward(dout: Array, cache: DenseSynthesizerCache) -> DenseSynthesizerGrads:
    """dout: (..., T, Dv) -> the gradient of each input."""
    dscores, dv = attend_backward(dout, cache.attend)
    n_unused = cache.b2.shape[-1] - dscores.shape[-1]
    db2 = fold(dscores, cache.b2[..., : dscores.shape[-1]])  # scores = product + b2
    dhidden, dw2 = matmul_backward(dscores, cache.second)  # product = hidden @ w2
    dinner = relu_backward(dhidden, cache.relu)
    db1 = fold(dinner, cache.b1)  # hidden = relu(inner + b1)
    dx, dw1 = matmul_backward(dinner, cache.first)  # inner = x @ w1
    dw2, db2 = (_widened(grad, n_unused) for grad in (dw2, db2))
    return DenseSynthesizerGrads(dx, dv, dw1, db1, dw2, db2)


def _widened(grad: Array, n_unused: int) -> Array:
    """Columns that were not used get zeros."""
    xp = xp_of(grad)
    return xp.concatenate((grad, xp.zeros((*grad.shape[:-1], n_unused), dtype=grad.dtype)), axis=-1)
