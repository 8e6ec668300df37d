"""The adjoint test: for a linear map no derivative is needed, only two inner products.

If y = A u, then backward must be the transposed map: <A u, dy> = <u, A^T dy> for all u and dy.  There is no step and
no limit, so both sides agree to rounding.  Embeddings, convolutions, reshapes, gathers, masks and every weight matrix
(with its input held fixed) are linear.  An offset does no harm: A u is taken as forward(u) - forward(0).
Source: Claerbout 2014, "Geophysical Image Estimation by Example", section 1.1, the dot-product test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tfx.gradcheck.report import ADJOINT_TOLERANCE, InputReport, Report
from tfx.gradcheck.returned import as_float64, prepare

_LINEAR = 1e-13  # relative; what is curved misses it by far, because the points lie far apart
_FAR = 5.0


def check_adjoint(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[[Any, Any], Any],
    inputs: Mapping[str, Any],
    wrt: Sequence[str] | None = None,
    seed: int = 0,
    tolerance: float = ADJOINT_TOLERANCE,
) -> Report:
    """Checks that backward is the adjoint of a forward that is linear (or affine) in each input, the others held.

    forward, backward, inputs, wrt: as for check_gradients.  The error of an input is
    |<A u, dy> - <u, A^T dy>| for a random u, as a share of what rounding grows with: the larger of |y| |dy|, with the
    longer of forward(u) and forward(0) for y, and |u| |A^T dy|, since a sum may come out small by chance.
    An input that forward is not linear in fails in words.  Of a forward that overwrites its inputs or gives another
    result each time nothing can be said: the verdict is "undecided".
    Raises ValueError when there is nothing to check or gradients do not match wrt.
    """
    rng = np.random.default_rng((seed, 1))  # not the stream that inputs of this seed come from
    ready = prepare(forward, backward, inputs, wrt, rng)
    reports = {}
    for name, gradient in ready.gradients.items():
        if name in ready.problems:
            reports[name] = InputReport(name, math.inf, problem=ready.problems[name])
            continue
        if not ready.inputs[name].size:
            reports[name] = InputReport(name, 0.0)
            continue
        if not is_linear(forward, ready.inputs, name, seed):
            reports[name] = InputReport(name, math.inf, problem=f"forward is not linear in {name}")
            continue
        u = rng.standard_normal(gradient.shape)
        y, offset = (_at(forward, ready.inputs, name, point) for point in (u, np.zeros_like(u)))
        out, back = float(((y - offset) * ready.dy).sum()), float((u * gradient).sum())
        scale = max(_length(y) * _length(ready.dy), _length(offset) * _length(ready.dy), _length(u) * _length(gradient))
        error = abs(out - back) / scale if scale > 0 else abs(back)
        reports[name] = InputReport(name, error, (), analytic=back, numeric=out, n_checked=1)
    if ready.doubt:
        reports = {name: replace(found, doubt=ready.doubt, problem="") for name, found in reports.items()}
    return Report(reports, tolerance)


def is_linear(forward: Callable[..., tuple[Any, Any]], inputs: Mapping[str, Any], name: str, seed: int = 0) -> bool:
    """True when forward(**inputs) -> (y, _) is linear, plus an offset, in this one input.

    Tried on random points far apart: f(u) + f(v) = f(u + v) + f(0).
    """
    inputs = {key: as_float64(value) for key, value in inputs.items()}
    rng = np.random.default_rng((seed, 1))  # not the stream that inputs of this seed come from
    u, v = (_FAR * rng.standard_normal(inputs[name].shape) for _ in range(2))
    with np.errstate(all="ignore"):  # a point far away may overflow; that is an answer too
        parts = [_at(forward, inputs, name, point) for point in (u, v, u + v, np.zeros_like(u))]
        miss = np.abs(parts[0] + parts[1] - parts[2] - parts[3]).max(initial=0.0)
        size = max(np.abs(part).max(initial=0.0) for part in parts)
    return bool(miss <= _LINEAR * size)


def _length(x: np.ndarray) -> float:
    return math.sqrt(float((x * x).sum()))


def _at(forward: Callable[..., tuple[Any, Any]], inputs: Mapping[str, Any], name: str, value: np.ndarray) -> np.ndarray:
    return np.asarray(forward(**{**inputs, name: value})[0])
