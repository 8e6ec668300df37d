"""The error function and its complement, to the precision of the dtype, with nothing but array arithmetic.

    erf(x) = 2/sqrt(pi) * integral from 0 to x of exp(-t^2) dt           erfc(x) = 1 - erf(x)

NumPy has no erf.  Cody approximates it by one quotient of polynomials on each of three ranges of y = |x|:

    y <= 0.46875        erf(x)  = x R(x^2)
    0.46875 < y <= 4    erfc(y) = exp(-y^2) R(y)
    4 < y               erfc(y) = exp(-y^2) / y * (1/sqrt(pi) - R(1/y^2) / y^2)

and the signs give the rest: erf(-x) = -erf(x), erfc(-x) = 2 - erfc(x).  erfc has its own function because 1 - erf(x)
loses every digit once erf(x) rounds to 1.  exp(-y^2) is formed as exp(-s^2) exp(-(y - s)(y + s)) with s = y cut to
sixteenths: s^2 is exact, so the rounding of y^2 is not blown up by exp.

Derivation of the backward.  The derivative of an integral in its upper end is the integrand:

    derf(x)/dx = 2/sqrt(pi) exp(-x^2)

Source: Cody 1969, "Rational Chebyshev Approximations for the Error Function", Mathematics of Computation 23, 631-637;
coefficients as in his SPECFUN package (calerf).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32

# fmt: off
# Highest power first.  The denominators begin with 1.
_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)
_LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)
# fmt: on
_SMALL_END = 0.46875
_LARGE_START = 4.0
_ZERO_FROM = 27.3  # erfc(27.3) is below the smallest float64


_BLOCK = 1 << 14  # numbers at a time: sixty passes over a block that stays in the cache are twice as quick


class ErfCache(NamedTuple):
    x: Array


@in_float32
def erf_forward(x: Array) -> tuple[Array, ErfCache]:
    """x: any shape, float -> erf(x), same shape and dtype, in [-1, 1]; NaN stays NaN."""
    return erf(x), ErfCache(x)


@in_float32
def erf_backward(dy: Array, cache: ErfCache) -> Array:
    """dy: shape of x -> dx."""
    x = xp_of(cache.x).clip(cache.x, -_ZERO_FROM, _ZERO_FROM)
    return dy * xp_of(x).exp(-x * x) * (2.0 / math.sqrt(math.pi))  # y = 2/sqrt(pi) * integral of exp(-t^2) up to x


def erf(x: Array) -> Array:
    """x: any shape, float -> erf(x), same shape and dtype, in [-1, 1]; NaN stays NaN."""
    return _in_blocks(_erf, x)


def erfc(x: Array) -> Array:
    """x: any shape, float -> 1 - erf(x), same shape and dtype, without cancellation; NaN stays NaN."""
    return _in_blocks(_erfc, x)


def _erf(x: Array) -> Array:
    small, erfc_y, sign = _pieces(x)
    return _choose(x, sign, small, sign * (1.0 - erfc_y))


def _erfc(x: Array) -> Array:
    small, erfc_y, sign = _pieces(x)
    return _choose(x, sign, 1.0 - small, (1.0 - sign) + sign * erfc_y)


def _in_blocks(function: Callable[[Array], Array], x: Array) -> Array:
    if x.size <= _BLOCK or not on_host(x):
        return function(x)
    numbers = x.reshape(-1)
    y = xp_of(x).empty_like(numbers)
    for start in range(0, numbers.size, _BLOCK):
        y[start : start + _BLOCK] = function(numbers[start : start + _BLOCK])
    return y.reshape(x.shape)


def _pieces(x: Array) -> tuple[Array, Array, Array]:
    """erf(x), right for small |x|; erfc(|x|), right for the rest; the sign of x.

    Each range is computed for every number, on arguments clipped into it, and the right one is chosen: no index lists.
    """
    xp = xp_of(x)
    sign = 1.0 - 2.0 * (x < 0).astype(x.dtype)
    y = x * sign  # |x|, and analytic, so that a complex step passes through
    inner = xp.clip(x, -_SMALL_END, _SMALL_END)
    small = inner * _quotient(inner * inner, _SMALL)
    scaled = _quotient(xp.clip(y, _SMALL_END, _LARGE_START), _MIDDLE)  # erfc(y) exp(y^2)
    if not on_host(y) or (y > _LARGE_START).any():  # seldom so far out, and on the host looking is free
        large_y = xp.clip(y, _LARGE_START, _ZERO_FROM)
        z = 1.0 / (large_y * large_y)
        large = (1.0 / math.sqrt(math.pi) - z * _quotient(z, _LARGE)) / large_y
        scaled = xp.where(y > _LARGE_START, large, scaled)
    return small, scaled * _exp_minus_square(xp.clip(y, 0.0, _ZERO_FROM)), sign


def _choose(x: Array, sign: Array, for_small: Array, for_rest: Array) -> Array:
    return xp_of(x).where(x * sign <= _SMALL_END, for_small, for_rest)


def _exp_minus_square(y: Array) -> Array:
    xp = xp_of(y)
    s = xp.floor(y.real * 16.0) / 16.0
    return xp.exp(-s * s) * xp.exp(-(y - s) * (y + s))


def _quotient(x: Array, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    above, below = coefficients
    quotient = _polynomial(x, above)
    quotient /= _polynomial(x, below)
    return quotient


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Horner's rule, highest power first."""
    total = x * coefficients[0]
    total += coefficients[1]
    for coefficient in coefficients[2:]:
        total *= x
        total += coefficient
    return total
