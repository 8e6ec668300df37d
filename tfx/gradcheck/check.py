"""Compares a backward with numeric derivatives of its forward, element by element.

The output is joined to one number with a random upstream gradient dy: L = sum(dy * y).  A gradient of ones would hide
mistakes, because rows of a softmax sum to 1 and L would be constant.  For an input x the error is

    max |analytic - numeric| / max |numeric|           both over the whole tensor

Judging each element by itself would blame tiny, correct numbers for rounding.  A tensor whose true gradient is (nearly)
zero, such as the key bias of attention, is measured against 1/1000 of the largest gradient of the other inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.gradcheck.derivative import LEVELS, STEP, directional_derivative

#: Largest relative error that passes in float64.  Correct code stays below 1e-9, and a float32 that has slipped into a
#: backward shows as 3e-8, which the customary 1e-7 lets through.
TOLERANCE = 1e-8
_SMALL_SHARE = 1e-3


@dataclass(frozen=True)
class InputReport:
    """One input: its error, and the element where analytic and numeric gradient differ most.

    `index` is that element, or (number of the direction,) when directions were checked.  `problem` says in words why
    the gradient cannot be compared at all (a wrong shape, NaN); the error is infinite then.
    """

    name: str
    error: float
    index: tuple[int, ...] = ()
    analytic: float = math.nan
    numeric: float = math.nan
    uncertainty: float = 0.0
    n_checked: int = 0
    problem: str = ""

    def summary(self) -> str:
        if self.problem:
            return f"{self.name}: {self.problem}"
        if not self.n_checked:
            return f"{self.name}: empty, nothing to check"
        where = f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name
        return f"{where}: analytic {self.analytic:.9g}, numeric {self.numeric:.9g}, relative error {self.error:.1e}"


@dataclass(frozen=True)
class Report:
    """What `check_gradients` found.  `worst` is the largest relative error over all inputs."""

    inputs: Mapping[str, InputReport]
    tolerance: float

    @property
    def worst_input(self) -> InputReport:
        return max(self.inputs.values(), key=lambda report: report.error)

    @property
    def worst(self) -> float:
        return self.worst_input.error

    @property
    def passes(self) -> bool:
        return self.worst <= self.tolerance

    def summary(self) -> str:
        """One sentence: the verdict and the worst element with its analytic and its numeric gradient."""
        verdict = "gradients agree" if self.passes else "gradients differ"
        return f"{verdict}; worst is {self.worst_input.summary()} (tolerance {self.tolerance:.0e})"


def check_gradients(
    forward: Callable[..., tuple[Any, Any]],
    backward: Callable[[Any, Any], Any],
    inputs: Mapping[str, Any],
    wrt: Sequence[str] | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    step: float = STEP,
    levels: int = LEVELS,
    max_elements: int | None = None,
    directions: int | None = None,
) -> Report:
    """Checks backward against Richardson-extrapolated central differences of forward, in float64.

    forward(**inputs) -> (y, cache); y is an array or a number.  backward(dy, cache) -> gradients: an array, a mapping
    of input name to gradient, a named tuple with fields `d<name>`, or a plain tuple in the order of wrt; None entries
    of a plain tuple are skipped.
    inputs: name -> array; float arrays are converted to float64, others (ids, masks) are passed on as they are.
    wrt: the inputs to check; all float ones unless told.  seed: draws dy and the elements or directions.
    max_elements: check that many random elements of each input instead of all.
    directions: check that many random directions instead of elements: one number sees a whole tensor, which is how a
    model with many parameters is checked.
    Keep inputs away from kinks (relu at 0): there is no derivative to agree with.
    Raises ValueError when there is nothing to check or gradients do not match wrt.
    """
    inputs = {name: _as_float64(value) for name, value in inputs.items()}
    if wrt is None:
        wrt = [name for name, value in inputs.items() if _is_float(value)]
    unknown = [name for name in wrt if name not in inputs]
    if unknown or not wrt:
        raise ValueError(f"wrt must name some of the inputs {sorted(inputs)}, not {unknown or 'nothing'}")
    rng = np.random.default_rng(seed)
    y, cache = forward(**inputs)
    dy = np.asarray(rng.standard_normal(np.shape(y)))
    upstream = float(dy) if np.ndim(y) == 0 else dy
    gradients = _by_name(backward(upstream, cache), wrt)
    again = _by_name(backward(upstream, cache), wrt)
    measured: dict[str, tuple[np.ndarray, ...]] = {}
    problems: dict[str, str] = {}
    for name in wrt:
        problem = _problem(name, gradients[name], again[name], inputs[name])
        if problem:
            problems[name] = problem
            continue
        if inputs[name].size == 0:
            continue
        numbers = []
        for where, direction in _directions(inputs[name], rng, max_elements, directions):
            slope, uncertainty = directional_derivative(forward, inputs, name, direction, dy, step, levels)
            analytic = float((gradients[name] * direction).sum())
            numbers.append((where, analytic, slope, uncertainty))
        measured[name] = tuple(np.asarray(column) for column in zip(*numbers, strict=True))
    largest = max((np.abs(numeric).max() for _, _, numeric, _ in measured.values()), default=0.0)
    reports = {}
    for name in wrt:
        if name in problems:
            reports[name] = InputReport(name, math.inf, problem=problems[name])
        elif name not in measured:
            reports[name] = InputReport(name, 0.0)  # an empty array has no element that could be wrong
        else:
            by_direction = directions is not None
            reports[name] = _compare(name, inputs[name].shape, measured[name], _SMALL_SHARE * largest, by_direction)
    return Report(reports, tolerance)


def _compare(
    name: str, shape: tuple[int, ...], columns: tuple[np.ndarray, ...], floor: float, by_direction: bool
) -> InputReport:
    where, analytic, numeric, uncertainty = columns
    if not (np.isfinite(analytic).all() and np.isfinite(numeric).all()):
        return InputReport(name, math.inf, problem="the numeric gradient is not finite")
    difference = np.abs(analytic - numeric)
    worst = int(difference.argmax())
    scale = max(float(np.abs(numeric).max()), floor)
    index = (worst,) if by_direction else tuple(int(i) for i in np.unravel_index(int(where[worst]), shape))
    return InputReport(
        name,
        float(difference[worst]) / scale if scale > 0 else float(difference[worst]),
        index,
        float(analytic[worst]),
        float(numeric[worst]),
        float(uncertainty[worst]) / scale if scale > 0 else float(uncertainty[worst]),
        len(numeric),
    )


def _directions(
    x: np.ndarray, rng: np.random.Generator, max_elements: int | None, directions: int | None
) -> Iterator[tuple[int, np.ndarray]]:
    """(flat index, unit array) for each element to check, or (number, random array) for each direction."""
    if directions is not None:
        for number in range(directions):
            yield number, rng.standard_normal(x.shape)
        return
    flat = np.arange(x.size)
    if max_elements is not None and max_elements < x.size:
        flat = np.sort(rng.choice(x.size, max_elements, replace=False))
    for element in flat.tolist():
        direction = np.zeros(x.size)
        direction[element] = 1.0
        yield element, direction.reshape(x.shape)


def _by_name(gradients: Any, wrt: Sequence[str]) -> dict[str, Any]:
    """Whatever a backward returns, as name -> gradient."""
    if isinstance(gradients, Mapping):
        found = dict(gradients)
    elif hasattr(gradients, "_fields") and all(field.startswith("d") for field in gradients._fields):
        found = {field[1:]: value for field, value in zip(gradients._fields, gradients, strict=True)}
    else:
        several = gradients if isinstance(gradients, tuple | list) else (gradients,)
        given = [gradient for gradient in several if gradient is not None]
        if len(given) != len(wrt):
            raise ValueError(f"backward gave {len(given)} gradients for {len(wrt)} inputs: {', '.join(wrt)}")
        found = dict(zip(wrt, given, strict=True))
    missing = [name for name in wrt if found.get(name) is None]
    if missing:
        raise ValueError(f"backward gave no gradient for {', '.join(missing)}")
    return {name: np.asarray(found[name]) for name in wrt}


def _problem(name: str, gradient: np.ndarray, again: np.ndarray, x: np.ndarray) -> str:
    if gradient.shape != x.shape:
        return f"the gradient has shape {gradient.shape} but {name} has {x.shape}"
    if gradient.dtype != x.dtype:
        return f"the gradient is {gradient.dtype} but {name} is {x.dtype}"
    if not np.isfinite(gradient).all():
        return "the gradient has entries that are NaN or infinite"
    if not np.array_equal(gradient, again):
        return "a second backward on the same cache gave another gradient"
    return ""


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _as_float64(value: Any) -> Any:
    if isinstance(value, float):
        return np.float64(value) + np.zeros(())
    return np.array(value, dtype=np.float64) if _is_float(value) else value
