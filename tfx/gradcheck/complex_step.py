"""The complex step: a derivative without a subtraction, exact to rounding.

For an analytic f,  f(x + i h) = f(x) + i h f'(x) - h^2 f''(x)/2 - ...   so   Im f(x + i h) / h = f'(x) + O(h^2).
Nothing is subtracted, no digits are lost, and h may be 1e-30: the error is that of f itself.

The price: the forward must run on complex numbers and be analytic on the way.  It is, through + - * /, matmul, exp,
log, tanh, sqrt, x - x.max() (complex numbers are ordered by their real part), maximum(x, 0) and where(x > 0, ...).
These run but give a wrong answer, because they look at the size of a complex number or throw half of it away:

    abs, var, std, linalg.norm, vdot, sort, sign(x) * x, x.real, astype(float), writing into a float buffer

A forward that needs a variance writes it as ((x - m) * (x - m)).mean().
Sources: Squire and Trapp 1998, "Using Complex Variables to Estimate Derivatives of Real Functions"; Martins, Sturdza
and Alonso 2003, "The Complex-Step Derivative Approximation".
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from tfx.gradcheck.derivative import CENTRAL_STEP

COMPLEX_STEP = 1e-30
_FOREIGN = 1e-3  # a forward that is not analytic is wrong in the first digits


class NotComplexSafe(ValueError):
    """The complex step does not apply to this forward; the message says why and what to use."""


def complex_step_derivative(
    forward: Callable[..., tuple[Any, Any]],
    inputs: Mapping[str, Any],
    name: str,
    direction: np.ndarray,
    dy: np.ndarray,
    step: float = COMPLEX_STEP,
) -> float:
    """The slope of sum(dy * y) as inputs[name] moves along `direction`, from one call of forward(**inputs) -> (y, _).

    All float inputs become complex, so that a buffer in the dtype of any of them holds the result.
    Raises NotComplexSafe when forward refuses complex numbers or loses their imaginary part.  A forward that is not
    analytic without showing it (abs, var) is found by `require_analytic`.
    """
    x = inputs[name]
    lifted = {key: value + 0j if _is_float(value) else value for key, value in inputs.items()}
    lifted[name] = x + 1j * step * direction
    moved = {**inputs, name: x + CENTRAL_STEP * direction}
    return _slope(forward, inputs, lifted, moved, name, dy, step)


def require_analytic(
    forward: Callable[..., tuple[Any, Any]],
    inputs: Mapping[str, Any],
    names: list[str],
    dy: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Raises NotComplexSafe unless complex step and Richardson agree on the slope along one random direction."""
    directions = {name: rng.standard_normal(inputs[name].shape) for name in names}

    def moved(by: complex) -> dict[str, Any]:
        return {**inputs, **{name: inputs[name] + by * direction for name, direction in directions.items()}}

    def difference(h: float) -> float:
        above, below = np.asarray(forward(**moved(h))[0]), np.asarray(forward(**moved(-h))[0])
        return float((dy * (above - below)).sum()) / (2.0 * h)

    real = difference(CENTRAL_STEP)  # so short that a kink (relu) is hardly ever stepped over
    lifted = _slope(forward, inputs, moved(1j * COMPLEX_STEP), moved(CENTRAL_STEP), " and ".join(names), dy)
    if not abs(lifted - real) <= _FOREIGN * max(abs(lifted), abs(real), 1.0):
        raise NotComplexSafe(
            f"forward runs on complex numbers but is not analytic: along one direction the complex step gives "
            f"{lifted:.6g}, real steps give {real:.6g}. Look for abs, var, std, norm or vdot in it; "
            f'or check with method="richardson"'
        )


def _slope(
    forward: Callable[..., tuple[Any, Any]],
    inputs: Mapping[str, Any],
    lifted: Mapping[str, Any],
    moved: Mapping[str, Any],
    name: str,
    dy: np.ndarray,
    step: float = COMPLEX_STEP,
) -> float:
    """lifted, moved: the inputs after an imaginary and after a real step; the real one is looked at only in doubt."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ComplexWarning)
        try:
            y = np.asarray(forward(**lifted)[0])
        except (TypeError, ValueError, ComplexWarning) as error:
            raise NotComplexSafe(
                f'forward does not work on complex {name}: {error}. Check with method="richardson"'
            ) from error
    if y.dtype.kind == "c":
        return float((dy * y.imag).sum()) / step
    if np.array_equal(forward(**inputs)[0], forward(**moved)[0]):
        return 0.0  # y is real because this input has no part in it
    raise NotComplexSafe(
        f"forward made a real output ({y.dtype}) of complex {name}: the imaginary part, which carries the derivative, "
        f'was lost. Check with method="richardson"'
    )


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"
