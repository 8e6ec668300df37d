"""Two results side by side: whether they are alike, and if not, in what they differ first.

Numbers are compared relative to the largest one that is right, as coarsely as the coarsest array that goes in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from lessons.practice.exercise import Exercise
from lessons.practice.tensors import leaves
from lessons.practice.trying import Outcome, Strange, try_all

#: relative to the largest number of the right result, by the type of the input
ROUNDING = {"float32": 2e-4, "float16": 2e-2}


@dataclass
class Result:
    """Of one input: what is right, what was given, and the numbers in which they differ."""

    place: int
    right: Any
    outcome: Outcome
    kind: str = ""
    says: str = ""
    evidence: list[str] = field(default_factory=list)


@cache
def _outcomes(exercise: Exercise, function: Any) -> tuple[Outcome, ...]:
    return tuple(try_all(function, [case.arguments for case in exercise.cases], twice=False))


def outcomes_of(exercise: Exercise, function: Any) -> tuple[Outcome, ...]:
    """What one of our own functions gives on every input; kept, as it is asked again and again."""
    return _outcomes(exercise, function)


@dataclass(frozen=True)
class Tolerance:
    """relative: to the largest number that is right.  least: the size below which such a number counts as rounding of
    what went in: a gradient that is 0 on paper is not 0 in floats."""

    relative: float
    least: float = 0.0


@cache
def tolerance_of(exercise: Exercise, place: int) -> Tolerance:
    """Of the coarsest array that goes in, and of how much the right result moves where the last digit of what goes in
    does: p * (dp - sum(dp * p)) loses digits where all dp are near 100.  least: what is 0 on paper is a difference of
    products of numbers that went in."""
    arguments = exercise.cases[place].arguments
    arrays = [value for value in arguments.values() if isinstance(value, np.ndarray) and value.dtype.kind == "f"]
    sizes = sorted(filter(None, (float(np.abs(one[np.isfinite(one)]).max(initial=0.0)) for one in arrays)))
    last_digit = max((float(np.finfo(one.dtype).eps) for one in arrays), default=0.0)
    moves = _moves(exercise, place, last_digit) if last_digit else 0.0
    relative = max([exercise.exact, 30 * moves, *(ROUNDING.get(str(one.dtype), 0.0) for one in arrays)])
    product = float(np.prod(np.maximum(sizes[-2:], 1.0))) * min([1.0, *sizes])
    return Tolerance(relative, 8 * last_digit * product / relative)


def _moves(exercise: Exercise, place: int, by: float) -> float:
    """By which share of its largest number a right result moves, where every number that goes in is moved by `by`."""
    rng = np.random.default_rng(place)
    moved = {
        name: (value * (1 + by * rng.choice([-1.0, 1.0], value.shape))).astype(value.dtype)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for name, value in exercise.cases[place].arguments.items()
    }  # fmt: skip
    right = outcomes_of(exercise, exercise.right)[place]
    shares = [0.0]
    for one, other in zip(
        parts_of(right.value), parts_of(try_all(exercise.right, [moved], False)[0].value), strict=False
    ):
        if np.shape(one) == np.shape(other) and np.asarray(one).dtype.kind in "fc" and np.isfinite(one).all():
            size, gap = np.abs(one).max(initial=0.0), np.abs(np.asarray(other) - one).max(initial=0.0)
            shares.append(float(gap / size) if 0 < gap < 1e-3 * size else 0.0)
    return max(shares)


def alike(one: Outcome, other: Outcome, tolerance: Tolerance) -> bool:
    """Whether two functions did the same with an input."""
    if one.raised or other.raised:
        return bool(one.raised and other.raised and _error(one) == _error(other))
    return _alike(one.value, other.value, tolerance)


def _error(outcome: Outcome) -> str:
    """The type of what was raised; shapes that do not fit are a ValueError in NumPy, and a RuntimeError in PyTorch."""
    assert outcome.raised is not None
    return "ValueError" if outcome.raised[0] == "RuntimeError" else outcome.raised[0]


def _alike(one: Any, other: Any, tolerance: Tolerance) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_alike(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if not all(isinstance(value, np.ndarray | int | float | complex) for value in (one, other)):
        return type(one) is type(other) and bool(one == other)
    a, b = np.asarray(one), np.asarray(other)
    return a.shape == b.shape and not differences(a, b, tolerance).any()


def differences(got: Any, right: Any, tolerance: Tolerance) -> Any:
    """True where two arrays of one shape differ: relative to the largest finite number that is right."""
    got, right = np.asarray(got), np.asarray(right)
    if right.dtype.kind in "biu" and got.dtype.kind in "biu":
        return got != right
    right, got = (
        right.astype(complex if "c" in right.dtype.kind else float),
        got.astype(complex if got.dtype.kind == "c" else float),
    )
    finite = np.isfinite(right)
    largest = max(float(np.abs(right[finite]).max(initial=0.0)), tolerance.least)
    if not right.any():  # 0 on paper, as the gradient through a norm of one number: there rounding is all there is
        largest = 1e5 * tolerance.least
    with np.errstate(all="ignore"):
        near = np.abs(got - right) <= tolerance.relative * largest
    return ~np.where(finite & np.isfinite(got), near, (got == right) | (np.isnan(got) & np.isnan(right)))


def parts_of(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def taken_apart(right: Outcome, got: Outcome) -> Outcome:
    """Several results that came in a list, as lists of one shape, have become one array: that is taken apart again."""
    want, have = right.value, got.value
    if (
        isinstance(want, tuple)
        and all(isinstance(part, np.ndarray) for part in want)
        and isinstance(have, np.ndarray)
        and have.shape[:1] == (len(want),)
        and {part.shape for part in want} == {have.shape[1:]}
    ):
        return replace(got, value=tuple(have))
    return got


def compared(exercise: Exercise, place: int, right: Outcome, got: Outcome) -> Result:
    """What is wrong with one input."""
    result = Result(place, right.value, got)
    if got.raised:
        result.kind, result.says = "raises", f"it raises {got.raised[0]}: {got.raised[1]}".rstrip(": ") + "."
        return result
    if exercise.texts:
        return _texts_compared(exercise, result)
    wanted, given, names = parts_of(right.value), parts_of(got.value), exercise.results
    if len(wanted) != len(given):
        result.kind = "type"
        result.says = f"{len(wanted)} results are asked for ({', '.join(n.partition(':')[0] for n in names)}), and {len(given)} came."
        return result
    for name, want, have in zip(names, wanted, given, strict=True):
        label, _, axes = name.partition(": ")
        if have is None or isinstance(have, Strange | str | dict | tuple):
            what = have.type if isinstance(have, Strange) else type(have).__name__
            result.kind, result.says = "type", f"{label} is {what}, where an array or a number is asked for."
            return result
        want, have = np.asarray(want), np.asarray(have)
        if want.shape != have.shape:
            result.kind = "shape"
            end = f", {axes}." if axes else "."
            result.says = f"{label} has the shape {have.shape}, and {want.shape} is asked for{end}"
            return result
        if np.isfinite(want).all() and not np.isfinite(have).all():
            bad = tuple(int(n) for n in np.argwhere(~np.isfinite(have))[0])
            says = f"{label}{place_of(bad)} is {have[bad]}, where {number(want[bad])} is right."
            result.kind, result.says = "not finite", says
            return result
    for name, want, have in zip(names, wanted, given, strict=True):
        label = name.partition(":")[0]
        want, have = np.asarray(want), np.asarray(have)
        differs = differences(have, want, tolerance_of(exercise, place))
        if differs.any():
            first = tuple(int(n) for n in np.argwhere(differs)[0])
            result.kind = "values"
            shown, asked = two_numbers(have[first], want[first])
            result.says = f"{label}{place_of(first)} is {shown}, and {asked} is right."
            result.evidence = [f"{int(differs.sum())} of {differs.size} numbers of {label} differ."]
            return result
    return result


def _texts_compared(exercise: Exercise, result: Result) -> Result:
    """What is wrong with a list of texts, or of tuples of texts."""
    label = exercise.results[0].partition(":")[0]
    want, have = _texts(result.right), _texts(result.outcome.value)
    if have is None:
        result.kind, result.says = "type", f"{label} is no list of texts, or of tuples of texts."
    elif want is not None and want != have:
        first = next((at for at, (a, b) in enumerate(zip(want, have, strict=False)) if a != b), None)
        if first is not None:
            says = f"{label}[{first}] is {str(have[first])[:80]}, and {want[first]} is right."
        else:
            says = (
                f"{label} has the length {len(have)}, and {len(want)} is asked for; as far as both go they are alike."
            )
        result.kind, result.says = "values", says
    return result


def _texts(value: Any) -> tuple[Any, ...] | None:
    """None for what is no list of texts; an empty list has become an empty array."""
    if isinstance(value, np.ndarray):
        return () if value.size == 0 else None
    if not isinstance(value, tuple):
        return None
    parts = [part if isinstance(part, str) else _texts(part) for part in value]
    return None if any(part is None for part in parts) else tuple(parts)


def place_of(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def number(value: Any, digits: int = 6) -> str:
    """A number with six digits; True, False and whole numbers as they are."""
    value = np.asarray(value)[()]
    return f"{value:.{digits}g}" if np.asarray(value).dtype.kind in "fc" else str(value)


def two_numbers(one: Any, other: Any) -> tuple[str, str]:
    """With six digits, or as many as tell them apart."""
    for digits in (6, 9, 12, 17) if one != other else (6,):
        pair = number(one, digits), number(other, digits)
        if pair[0] != pair[1]:
            break
    return pair


def told_apart(values: Any) -> list[str]:
    """Three digits each, or as many as tell the first eight apart."""
    first = values[:8]
    for digits in (3, 6, 9):
        if len({number(one, digits) for one in first}) == len(np.unique(first)):
            break
    return [number(one, digits) for one in values]


def inputs_of(arguments: dict[str, Any], width: int = 76) -> list[str]:
    """The arguments in a line each, cut: `x (2, 5): 0.306 -0.21 ...`."""
    lines = []
    for name, value in arguments.items():
        if isinstance(value, np.ndarray):
            kind = "" if value.dtype in (np.float64, np.bool_) else f" {value.dtype}"
            line = f"{name} {value.shape}{kind}: {' '.join(told_apart(value.flat[:40]))}"
            whole = value.size <= 40
        elif arrays := [(path, one) for path, one in leaves(value) if isinstance(one, np.ndarray)]:
            line, whole = f"{name}: {', '.join(f'{path} {one.shape}' for path, one in arrays)}", True
        else:
            line, whole = f"{name} = {' '.join(repr(value).split())}", True
        cut = line[:width].rpartition(" ")[0] if len(line) > width else line
        lines.append(line if len(line) <= width and whole else f"{cut} ...")
    return lines
