"""Compares a backward with numeric derivatives of its forward, element by element.

The output is joined to one number with a random upstream gradient dy: L = sum(dy * y).  A gradient of ones would hide
mistakes, because rows of a softmax sum to 1 and L would be constant.  For an input x the error is

    max |analytic - numeric| / max |numeric|           both over the whole tensor

Judging each element by itself would blame tiny, correct numbers for rounding.  A tensor whose true gradient is (nearly)
zero, such as the key bias of attention, is measured against 1/1000 of the largest gradient of the other inputs.  A
slope g . d along a random direction d may cancel to nothing, so it is measured against its usual size, |g * d|; a few
elements may all be small, so they are measured against the largest of the whole tensor.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.gradcheck.complex_step import COMPLEX_STEP, complex_step_derivative, require_analytic
from tfx.gradcheck.derivative import CENTRAL_STEP, LEVELS, STEP, central_derivative, directional_derivative
from tfx.gradcheck.doubt import second_look
from tfx.gradcheck.report import CENTRAL_TOLERANCE, COMPLEX_TOLERANCE, TOLERANCE, InputReport, Report
from tfx.gradcheck.returned import Prepared, prepare

#: method -> (first step, tolerance)
METHODS: dict[str, tuple[float, float]] = {
    "richardson": (STEP, TOLERANCE),
    "complex": (COMPLEX_STEP, COMPLEX_TOLERANCE),
    "central": (CENTRAL_STEP, CENTRAL_TOLERANCE),
}
_SMALL_SHARE = 1e-3
_EPS = float(np.finfo(np.float64).eps)
_LONGEST = 8.0  # a direction in a thousand numbers is 30 long: a step of 5e-3 along it would be no small step


class _Slope(NamedTuple):
    """One comparison: along one element, or along one direction."""

    where: int
    analytic: float
    numeric: float
    uncertainty: float
    usual: float  # the size that such a slope has when it is not small by chance
    direction: np.ndarray


def check_gradients(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[[Any, Any], Any],
    inputs: Mapping[str, Any],
    wrt: Sequence[str] | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    step: float | None = None,
    levels: int = LEVELS,
    max_elements: int | None = None,
    directions: int | None = None,
    method: str = "richardson",
) -> Report:
    """Checks backward against numeric derivatives of forward, in float64.

    forward(**inputs) -> (y, cache); y is an array or a number.  backward(dy, cache) -> gradients: an array, a mapping
    of input name to gradient, a named tuple with fields `d<name>`, or a plain tuple in the order of wrt; None entries
    of a plain tuple are skipped.
    inputs: name -> array; float arrays are converted to float64, others (ids, masks) are passed on as they are.
    wrt: the inputs to check; all float ones unless told.  seed: draws dy and the elements or directions.
    method: "richardson", extrapolated central differences, works on any smooth forward to about 11 digits; "complex"
    is exact to rounding where the forward is analytic; "central", one plain difference, is there for comparison.
    tolerance, step: those of the method unless told (1e-9, 1e-12 and 1e-6).  levels: rows of Richardson's table.
    max_elements: check that many random elements of each input instead of all.
    directions: check that many random directions instead of elements: one number sees a whole tensor, which is how a
    model with many parameters is checked.
    The report's verdict is "agree", "differ" or "undecided", with the reason (gradcheck/doubt.py): a kink close by,
    rounding, random numbers in forward, an input that it overwrites, fewer digits than float64.
    Raises ValueError when there is nothing to check, gradients do not match wrt, or the method is not known, and
    NotComplexSafe, a ValueError too, when the complex step does not apply to this forward.
    """
    if method not in METHODS:
        raise ValueError(f'method must be one of {", ".join(METHODS)}, not "{method}"')
    usual_step, usual_tolerance = METHODS[method]
    step = usual_step if step is None else step
    tolerance = usual_tolerance if tolerance is None else tolerance
    rng = np.random.default_rng((seed, 1))  # not the stream that inputs of this seed come from: dy must not equal x
    ready = prepare(forward, backward, inputs, wrt, rng)
    filled = [name for name in ready.gradients if ready.inputs[name].size and name not in ready.problems]
    measured: dict[str, list[_Slope]] = {}
    for name in filled:
        chosen = list(_directions(ready.inputs[name], rng, max_elements, directions))
        measured[name] = list(_slopes(forward, ready, name, chosen, method, step, levels, directions is not None))
    if method == "complex" and filled:
        require_analytic(forward, ready.inputs, filled, ready.dy, rng)
    largest = max((abs(slope.numeric) for slopes in measured.values() for slope in slopes), default=0.0)
    reports = {}
    for name in ready.gradients:
        if name in ready.problems:
            reports[name] = InputReport(name, math.inf, problem=ready.problems[name])
        elif name not in measured:
            reports[name] = InputReport(name, 0.0)  # an empty array has no element that could be wrong
        else:
            shape = None if directions is not None else ready.inputs[name].shape
            scale = _scale(measured[name], _SMALL_SHARE * largest)
            found = _compare(name, shape, measured[name], scale)
            if tolerance < found.error < math.inf and method != "complex" and not ready.doubt:
                floor = _SMALL_SHARE * largest
                found = _looked_at_again(forward, ready, name, measured[name], shape, floor, tolerance)
            reports[name] = found
    if ready.doubt:
        reports = {name: dataclasses.replace(found, doubt=ready.doubt, problem="") for name, found in reports.items()}
    return Report(reports, tolerance)


def _slopes(
    forward: Callable[..., tuple[Any, Any]],
    ready: Prepared,
    name: str,
    chosen: list[tuple[int, np.ndarray]],
    method: str,
    step: float,
    levels: int,
    by_direction: bool,
) -> Iterator[_Slope]:
    gradient = ready.gradients[name]
    rounding = _EPS * float(np.abs(ready.dy * ready.y).sum())
    largest = 0.0  # of the slopes so far: further ones need no more digits than this asks for
    for where, direction in chosen:
        terms = gradient * direction
        along = (forward, ready.inputs, name, direction, ready.dy, step)
        if method == "richardson":
            numeric, uncertainty = directional_derivative(*along, levels, largest, rounding)
        else:
            derivative = complex_step_derivative if method == "complex" else central_derivative
            numeric, uncertainty = derivative(*along), 0.0
        largest = max(largest, abs(numeric))
        if by_direction:
            usual = _length(terms)
        else:
            usual = 0.0 if len(chosen) == gradient.size else float(np.abs(gradient).max())
        yield _Slope(where, float(terms.sum()), numeric, uncertainty, usual, direction)


def _scale(slopes: list[_Slope], floor: float) -> float:
    """What differences are measured against."""
    largest = max(max(abs(slope.numeric), slope.usual) for slope in slopes)
    return max(largest, floor) or 1.0


def _compare(name: str, shape: tuple[int, ...] | None, slopes: list[_Slope], scale: float) -> InputReport:
    """shape: that of the input, or None when directions were checked."""
    if not all(math.isfinite(slope.numeric) for slope in slopes):
        return InputReport(name, math.inf, doubt="forward's result is not finite near here", n_checked=len(slopes))
    worst = max(slopes, key=_difference)
    place = (worst.where,) if shape is None else tuple(int(i) for i in np.unravel_index(worst.where, shape))
    return InputReport(
        name,
        _difference(worst) / scale,
        place,
        worst.analytic,
        worst.numeric,
        worst.uncertainty / scale,
        len(slopes),
    )


def _difference(slope: _Slope) -> float:
    return abs(slope.analytic - slope.numeric)


def _looked_at_again(
    forward: Callable[..., tuple[Any, Any]],
    ready: Prepared,
    name: str,
    slopes: list[_Slope],
    shape: tuple[int, ...] | None,
    floor: float,
    tolerance: float,
) -> InputReport:
    """The report of slopes some of which lie beyond the tolerance: those are measured once more, with care."""
    scale, seen, doubts = _scale(slopes, floor), [], {}
    for slope in sorted(slopes, key=_difference, reverse=True):
        if _difference(slope) <= tolerance * scale:
            seen.append(slope)
            continue
        place = ready.inputs, name, slope.direction, ready.dy
        look = second_look(forward, *place, slope.analytic, tolerance * scale)
        seen.append(slope._replace(numeric=look.numeric))
        doubts[slope.where] = look.doubt
        if not look.doubt and _difference(seen[-1]) > tolerance * scale:
            return dataclasses.replace(_compare(name, shape, seen[-1:], scale), n_checked=len(slopes))
    doubted = [slope for slope in seen if doubts.get(slope.where)]
    found = _compare(name, shape, doubted or seen, scale)
    return dataclasses.replace(found, doubt=doubts[doubted[0].where] if doubted else "", n_checked=len(slopes))


def _directions(
    x: np.ndarray, rng: np.random.Generator, max_elements: int | None, directions: int | None
) -> Iterator[tuple[int, np.ndarray]]:
    """(flat index, unit array) for each element to check, or (number, random array) for each direction."""
    if directions is not None:
        for number in range(directions):
            direction = rng.standard_normal(x.shape)
            # multiples of 1/64, so that no digit is lost where they are added to the input
            yield number, np.round(64.0 * direction * min(1.0, _LONGEST / _length(direction))) / 64.0
        return
    flat = np.arange(x.size)
    if max_elements is not None and max_elements < x.size:
        flat = np.sort(rng.choice(x.size, max_elements, replace=False))
    for element in flat.tolist():
        direction = np.zeros(x.size)
        direction[element] = 1.0
        yield element, direction.reshape(x.shape)


def _length(x: np.ndarray) -> float:
    return math.sqrt(float((x * x).sum()))
