"""One verdict about a learner's function: the first of what is wrong, in a fixed order, and which mistake it is.

    syntax, import, missing, stub, raises, type, shape, not finite, values, changed, shared, again, dtype, passed

    time, exit: the process ended before it gave anything;  grader: tfx itself broke down, whatever the file holds

A mistake is named only where the function gives on every input what that mistake gives: the same numbers, the same
shapes, the same exceptions.  Several that do are told as candidates; none is "unknown".
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lessons.practice.bench import Left, run_file
from lessons.practice.exercise import Exercise, Mistake
from lessons.practice.trying import Outcome, Strange, try_all

#: relative to the largest number of the right result, by the type of the input
ROUNDING = {"float32": 2e-4, "float16": 2e-2}


@dataclass(frozen=True)
class Verdict:
    """kind: one of the words above.  says: it in a sentence.  evidence: lines that show it.  mistake: the only one that
    gives the same; candidates: those that do, if there are several."""

    exercise: str
    kind: str
    says: str
    evidence: tuple[str, ...] = ()
    mistake: Mistake | None = None
    candidates: tuple[Mistake, ...] = ()
    printed: str = ""
    rule: str = ""

    @property
    def passed(self) -> bool:
        return self.kind == "passed"


@dataclass
class Result:
    """Of one input: what is right, what was given, and the numbers in which they differ."""

    place: int
    right: Any
    outcome: Outcome
    kind: str = ""
    says: str = ""
    evidence: list[str] = field(default_factory=list)


def judge_file(exercise: Exercise, path: Path, source: str) -> Verdict:
    """Runs the file in a process of its own and judges what it left."""
    left = Left()
    try:
        left = run_file(path, source, exercise.function_name, [case.arguments for case in exercise.cases])
        abouts = [case.about for case in exercise.cases]
        early = early_verdict(exercise.name, left, abouts, exercise.function_name)
        verdict = early or judge(exercise, left.outcomes, left.traceback)
    except Exception as error:
        verdict = broken(exercise.name, "".join(traceback.format_exception(error)))
    return replace(verdict, printed=left.printed)


def broken(name: str, trace: str) -> Verdict:
    says = "tfx itself broke down while it judged; this says nothing about your file."
    return Verdict(name, "grader", says, (trace.rstrip(), "report this, with what it prints: tfx doctor"))


def judge(exercise: Exercise, outcomes: Sequence[Outcome], trace: str = "") -> Verdict:
    """outcomes: of all inputs, in their order."""
    name = exercise.name
    if all(_unfilled(outcome) for outcome in outcomes):
        return Verdict(name, "stub", f"{exercise.function_name} is still empty: nothing is returned.")
    right = outcomes_of(exercise, exercise.right)
    results = [_compared(exercise, place, r, o) for place, (r, o) in enumerate(zip(right, outcomes, strict=True))]
    for kind in ("raises", "type", "shape", "not finite", "values"):
        wrong = [result for result in results if result.kind == kind]
        if wrong:
            return _diagnosed(exercise, wrong[0], results, outcomes, trace)
    for kind, says in (
        ("changed", "the result is right, but {} is written to: it is changed after the call."),
        ("shared", "the result is right, but it lies in the memory of {}: who changes the one changes the other."),
    ):
        for place, outcome in enumerate(outcomes):
            names = getattr(outcome, kind)
            if names:
                evidence = (f"input: {exercise.cases[place].about}",)
                return Verdict(name, kind, says.format(" and ".join(names)), evidence)
    for place, outcome in enumerate(outcomes):
        if not outcome.again:
            says = "the first call is right, and the same call later gives something else: something is kept between calls."
            return Verdict(name, "again", says, (f"input: {exercise.cases[place].about}",))
    if exercise.keeps_dtype:
        for place, (r, o) in enumerate(zip(right, outcomes, strict=True)):
            wanted, got = _dtypes(r.value), _dtypes(o.value)
            if wanted != got:
                says = f"the numbers are right, and their type is {' and '.join(got)}, not {' and '.join(wanted)}."
                return Verdict(name, "dtype", says, (f"input: {exercise.cases[place].about}",))
    return Verdict(name, "passed", exercise.learned)


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
    """Of the coarsest array that goes in, and of the largest."""
    arrays = [value for value in exercise.cases[place].arguments.values() if isinstance(value, np.ndarray)]
    sizes = [float(np.abs(one[np.isfinite(one)]).max(initial=0.0)) for one in arrays if one.dtype.kind == "f"]
    types = {str(one.dtype) for one in arrays}
    relative = max([exercise.exact, *(ROUNDING[one] for one in types if one in ROUNDING)])
    return Tolerance(relative, 1e-6 * max(sizes, default=0.0))


def alike(one: Outcome, other: Outcome, tolerance: Tolerance) -> bool:
    """Whether two functions did the same with an input."""
    if one.raised or other.raised:
        return bool(one.raised and other.raised and one.raised[0] == other.raised[0])
    return _alike(one.value, other.value, tolerance)


def _alike(one: Any, other: Any, tolerance: Tolerance) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(_alike(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if not all(isinstance(value, np.ndarray | int | float | complex) for value in (one, other)):
        return type(one) is type(other) and bool(one == other)
    a, b = np.asarray(one), np.asarray(other)
    return a.shape == b.shape and not _differences(a, b, tolerance).any()


def _differences(got: Any, right: Any, tolerance: Tolerance) -> Any:
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
    with np.errstate(all="ignore"):
        near = np.abs(got - right) <= tolerance.relative * largest
    return ~np.where(finite & np.isfinite(got), near, (got == right) | (np.isnan(got) & np.isnan(right)))


def early_verdict(name: str, left: Left, abouts: Sequence[str], function: str = "") -> Verdict | None:
    """What goes wrong before anything can be compared.  abouts: a few words about each call."""
    about = abouts[min(left.at, len(abouts) - 1)]
    if left.syntax:
        return Verdict(name, "syntax", "Python cannot read the file.", (left.syntax.rstrip(),))
    if left.ended == "time":
        says = "it is not done after the time that an exercise has; is there a loop that never ends?"
        return Verdict(name, "time", says, (f"input: {about}",))
    if left.ended == "exit":
        return Verdict(name, "exit", "the program was ended (exit) before it returned anything.", (f"input: {about}",))
    if left.ended == "signal":
        return Verdict(name, "exit", "its process broke down; was very much memory asked for?", (f"input: {about}",))
    if left.stage == "import":
        return Verdict(name, "import", "the file stops before its functions can be called.", (left.traceback.rstrip(),))
    if left.missing is not None:
        there = f"there are: {', '.join(left.missing)}" if left.missing else "there is no function at all"
        return Verdict(name, "missing", f"the file has no function {function}; {there}.")
    if left.stage != "done":
        return broken(name, left.traceback)
    return None


def _unfilled(outcome: Outcome) -> bool:
    if outcome.raised:
        return outcome.raised[0] == "NotImplementedError"
    return outcome.value is None or outcome.value is Ellipsis


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _dtypes(value: Any) -> list[str]:
    return [str(part.dtype) for part in _parts(value) if isinstance(part, np.ndarray)]


def _compared(exercise: Exercise, place: int, right: Outcome, got: Outcome) -> Result:
    """What is wrong with one input."""
    result = Result(place, right.value, got)
    if got.raised:
        result.kind, result.says = "raises", f"it raises {got.raised[0]}: {got.raised[1]}".rstrip(": ") + "."
        return result
    if exercise.texts:
        return _compared_texts(exercise, result)
    wanted, given, names = _parts(right.value), _parts(got.value), exercise.results
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
            result.says = f"{label} has the shape {have.shape}, and {want.shape} is asked for" + (
                f", {axes}." if axes else "."
            )
            return result
        if np.isfinite(want).all() and not np.isfinite(have).all():
            bad = tuple(int(n) for n in np.argwhere(~np.isfinite(have))[0])
            result.kind, result.says = (
                "not finite",
                f"{label}{_place(bad)} is {have[bad]}, where {want[bad]:.6g} is right.",
            )
            return result
    for name, want, have in zip(names, wanted, given, strict=True):
        label = name.partition(":")[0]
        want, have = np.asarray(want), np.asarray(have)
        differs = _differences(have, want, tolerance_of(exercise, place))
        if differs.any():
            first = tuple(int(n) for n in np.argwhere(differs)[0])
            result.kind = "values"
            result.says = f"{label}{_place(first)} is {have[first]:.6g}, and {want[first]:.6g} is right."
            result.evidence = [
                f"{int(differs.sum())} of {differs.size} numbers of {label} differ.",
                *_doctor(label, have, want),
            ]
            return result
    return result


def _compared_texts(exercise: Exercise, result: Result) -> Result:
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


def _place(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _doctor(label: str, have: Any, want: Any) -> list[str]:
    """Of arrays of one shape: what would make the one the other."""
    a, b = have.astype(float).ravel(), want.astype(float).ravel()
    finite = np.isfinite(a).all() and np.isfinite(b).all()
    if a.size > 1 and finite and np.abs(a).max() > 0 and b @ b > 0:
        factor = float(a @ b / (b @ b))
        if factor and np.abs(a - factor * b).max() <= 1e-9 * np.abs(a).max():
            return [f"{label} is {factor:.6g} times what is right, everywhere."]
    if (
        have.ndim >= 2
        and have.shape[-1] == have.shape[-2]
        and not _differences(np.swapaxes(have, -1, -2), want, Tolerance(1e-9)).any()
    ):
        return [f"{label} is the transpose of what is right."]
    return []


def _diagnosed(
    exercise: Exercise, first: Result, results: Sequence[Result], outcomes: Sequence[Outcome], trace: str
) -> Verdict:
    """Looks the function up in the bank of mistakes."""
    right = sum(not result.kind for result in results)
    evidence = [f"input: {exercise.cases[first.place].about}", *first.evidence]
    if first.kind == "raises" and trace:
        evidence.append(trace.rstrip())
    evidence.append(f"right on {right} of {len(results)} inputs.")
    same = [
        mistake for mistake in exercise.mistakes
        if all(
            alike(o, m, tolerance_of(exercise, place))
            for place, (o, m) in enumerate(zip(outcomes, outcomes_of(exercise, mistake.function), strict=True))
        )
    ]  # fmt: skip
    if same:
        evidence.append(f"on all {len(results)} inputs it gives what this mistake gives.")
    return Verdict(
        exercise.name, first.kind, first.says, tuple(evidence), same[0] if len(same) == 1 else None,
        tuple(same) if len(same) > 1 else (),
    )  # fmt: skip
