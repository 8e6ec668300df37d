"""Pseudo-inverse by iteration: products of matrices only, so that a graphics card does it quickly.

    Z_0 = A^T / (|A|_1 |A|_inf)                          largest column sum, largest row sum
    P = A Z,    Z' = Z (13 I - P (15 I - P (7 I - P))) / 4

With E = I - A Z one step leaves (3 E^3 + E^4) / 4: below 1 the right digits triple, so that the last ones come at once.
How many steps the beginning takes depends on the condition of A.  A singular A gets its Moore-Penrose inverse.

Derivation.  Name the brackets X1 = 7 I - P, X2 = 15 I - P X1, X3 = 13 I - P X2, Z' = Z X3 / 4, and undo them:

    dZ   = dZ' X3^T / 4        dX3 = Z^T dZ' / 4
    dP   = - dX3 X2^T          dX2 = - P^T dX3
    dP  += - dX2 X1^T          dX1 = - P^T dX2
    dP  += - dX1
    dA  += dP Z^T              dZ += A^T dP                            P = A Z

and so on to Z_0.  P is a polynomial in A A^T, hence symmetric but for rounding, and so are the brackets; where A is
nearly singular that rounding counts, so their transposes are kept.

In Z_0, A^T is divided by n = |A|_1 |A|_inf: dA += dZ_0^T / n, dn = - sum(dZ_0 * Z_0) / n, and a maximum sends its
gradient to the column, and the row, that attained it (where several did, to all in equal parts).

Each matrix has a Z_0 of its own, as in the authors' "exact" form.  The default of their code, and of Hugging Face's,
divides by the largest column sum of the whole batch and all heads: quicker on a card, but then a row of the batch
depends on the others, and few steps end at other numbers.

Source: Razavi et al. 2014, "A New Iterative Method for Finding Approximate Inverses of Complex Matrices", as in Xiong
et al. 2021, "Nystromformer", section 3.2.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.half import in_float32


class IterativeInverseCache(NamedTuple):
    a: Array
    norm_columns: Array
    norm_rows: Array
    steps: tuple[Array, ...]  # Z_0 ... Z_n


@in_float32
def iterative_inverse_forward(a: Array, n_iterations: int = 6) -> tuple[Array, IterativeInverseCache]:
    """a: (..., M, N), no number negative -> z: (..., N, M), approximately its pseudo-inverse.

    Raises ValueError when n_iterations is negative.  A matrix of zeros gives zeros.
    """
    if a.ndim < 2:
        raise ValueError(f"a matrix has two axes, not {a.shape}")
    whole_number("n_iterations", n_iterations, 0)
    norm_columns, norm_rows = _largest(a.sum(axis=-2, keepdims=True)), _largest(a.sum(axis=-1, keepdims=True))
    z = a.swapaxes(-1, -2) / _divisor(norm_columns * norm_rows)
    steps = [z]
    for _ in range(n_iterations):
        p = a @ z
        _, _, x3 = _brackets(p)
        z = (z @ x3) * 0.25
        steps.append(z)
    return z, IterativeInverseCache(a, norm_columns, norm_rows, tuple(steps))


@in_float32
def iterative_inverse_backward(dz: Array, cache: IterativeInverseCache) -> Array:
    """dz: (..., N, M) -> da: (..., M, N)."""
    a, norm_columns, norm_rows, steps = cache
    da = xp_of(a).zeros_like(a)
    for z in reversed(steps[:-1]):
        p = a @ z
        x1, x2, x3 = _brackets(p)
        p_t = p.swapaxes(-1, -2)
        dx3 = (z.swapaxes(-1, -2) @ dz) * 0.25  # z' = z @ x3 / 4
        dz = (dz @ x3.swapaxes(-1, -2)) * 0.25
        dx2 = -(p_t @ dx3)  # x3 = 13 I - p @ x2
        dx1 = -(p_t @ dx2)  # x2 = 15 I - p @ x1
        dp = -(dx3 @ x2.swapaxes(-1, -2)) - dx2 @ x1.swapaxes(-1, -2) - dx1  # x1 = 7 I - p
        da = da + dp @ z.swapaxes(-1, -2)  # p = a @ z
        dz = dz + a.swapaxes(-1, -2) @ dp
    divisor = _divisor(norm_columns * norm_rows)
    dnorm = -(dz * steps[0]).sum(axis=(-1, -2), keepdims=True) / divisor  # z_0 = a^T / (norm_columns * norm_rows)
    da = da + dz.swapaxes(-1, -2) / divisor
    da = da + dnorm * norm_rows * _attained(a.sum(axis=-2, keepdims=True), norm_columns)
    return da + dnorm * norm_columns * _attained(a.sum(axis=-1, keepdims=True), norm_rows)


def _brackets(p: Array) -> tuple[Array, Array, Array]:
    """X1, X2, X3 of the docstring."""
    eye = xp_of(p).eye(p.shape[-1], dtype=p.dtype)
    x1 = 7 * eye - p
    x2 = 15 * eye - p @ x1
    return x1, x2, 13 * eye - p @ x2


def _largest(sums: Array) -> Array:
    """The maximum of row or of column sums: (..., 1, 1); 0 of none."""
    return sums.max(axis=(-1, -2), keepdims=True) if sums.size else sums.sum(axis=(-1, -2), keepdims=True)


def _divisor(norm: Array) -> Array:
    return xp_of(norm).where(norm == 0, 1, norm).astype(norm.dtype)


def _attained(sums: Array, top: Array) -> Array:
    """1 at the largest sum; where several are the largest, equal parts."""
    at = (sums == top).astype(top.dtype)
    return at / at.sum(axis=(-1, -2), keepdims=True)
