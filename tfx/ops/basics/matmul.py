"""Product of two arrays of matrices, with the leading axes broadcast; and BLAS's general form of it.

    y = a b                              y_ij = sum_k a_ik b_kj               for every leading index
    y = alpha a b + beta c               gemm: one call does a whole linear layer

Derivation.  dy_ij/da_ik = b_kj, so da_ik = sum_j dy_ij b_kj, and likewise for b:

    da = dy b^T          db = a^T dy

Where a leading axis of a was broadcast against b, one a took part in many products: its gradients are summed over that
axis.  A vector is a matrix with one row (as a) or one column (as b), and loses that axis again.
For gemm, da and db get a factor alpha, and dc = beta dy, summed over what c was broadcast along.
Sources: numpy.matmul for the shapes; Dongarra et al. 1990 for gemm.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.basics.broadcast import fold


class MatmulCache(NamedTuple):
    a: Array
    b: Array


class GemmCache(NamedTuple):
    product: MatmulCache
    c: Array | None
    alpha: float
    beta: float


@in_float32
def matmul_forward(a: Array, b: Array) -> tuple[Array, MatmulCache]:
    """a: (..., M, K) or (K,), b: (..., K, N) or (K,) -> y: (..., M, N), without M or N for a vector.

    Raises ValueError when the inner lengths differ, or for a 0-d array.
    """
    if not (a.ndim and b.ndim):
        raise ValueError(f"a product needs vectors or matrices, not {a.shape} and {b.shape}")
    inner_a, inner_b = a.shape[-1], b.shape[max(b.ndim - 2, 0)]
    if inner_a != inner_b:
        raise ValueError(f"a has {inner_a} columns but b has {inner_b} rows")
    return a @ b, MatmulCache(a, b)


@in_float32
def matmul_backward(dy: Array, cache: MatmulCache) -> tuple[Array, Array]:
    """dy: shape of y -> da: shape of a, db: shape of b."""
    a, b = cache
    rows = a[None, :] if a.ndim == 1 else a
    columns = b[:, None] if b.ndim == 1 else b
    dy = xp_of(a).asarray(dy, dtype=a.dtype)  # a single number where two vectors met
    if b.ndim == 1:
        dy = dy[..., None]  # a vector b lost its only column
    if a.ndim == 1:
        dy = dy[..., None, :]  # a vector a lost its only row
    da = dy @ columns.swapaxes(-1, -2)  # y = a @ b
    db = rows.swapaxes(-1, -2) @ dy
    return fold(da, rows).reshape(a.shape), fold(db, columns).reshape(b.shape)


@in_float32
def gemm_forward(
    a: Array, b: Array, c: Array | None = None, alpha: float = 1.0, beta: float = 1.0
) -> tuple[Array, GemmCache]:
    """a: (M, K), b: (K, N), c: broadcastable to (M, N), or None -> y = alpha a b + beta c: (M, N).

    Raises ValueError for shapes that do not fit.
    """
    y, product = matmul_forward(a, b)
    lengths = () if c is None else zip(c.shape[::-1], y.shape[::-1], strict=False)
    if c is not None and (c.ndim > y.ndim or any(n not in (1, m) for n, m in lengths)):
        raise ValueError(f"c is {c.shape} but the product is {y.shape}")
    y = y * alpha
    return y if c is None else y + c * beta, GemmCache(product, c, alpha, beta)


@in_float32
def gemm_backward(dy: Array, cache: GemmCache) -> tuple[Array, Array, Array | None]:
    """dy: (M, N) -> da: (M, K), db: (K, N), dc: shape of c, or None where forward had no c."""
    product, c, alpha, beta = cache
    da, db = matmul_backward(dy * alpha, product)  # y = alpha * (a @ b) + ...
    dc = None if c is None else fold(dy * beta, c)  # y = ... + beta * c
    return da, db, dc
