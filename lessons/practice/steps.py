"""What lies between the arguments and the result: which of the learner's variables is the first that is wrong.

Variables are looked at by the names that the exercise gives its steps.  One may hold several steps in turn, so it counts
as right when any of its values is what any step should be.  All this explains a verdict and never changes one.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lessons.practice.comparing import differences, outcomes_of, parts_of, place_of, tolerance_of, two_numbers
from lessons.practice.doctor import Case, explained
from lessons.practice.exercise import Exercise
from lessons.practice.trying import Outcome

#: a score below this blocks as -inf does
BLOCKED = -1e8


def first_wrong_step(exercise: Exercise, place: int, seen: dict[str, list[Any]]) -> list[str]:
    """seen: variable -> the values it took on input `place`.  -> lines of evidence, none where nothing can be said."""
    arguments = exercise.cases[place].arguments
    stages, tolerance = exercise.stages(arguments), tolerance_of(exercise, place)
    right: list[str] = []
    for name, forms in stages.items():
        values = [value for value in seen.get(name, ()) if any(_comparable(value, form) for form in forms)]
        if not values:
            continue
        every = [form for some in stages.values() for form in some]
        if any(_equal(value, form, tolerance) for value in values for form in every):
            right.append(name)
            continue
        lead = f"steps: {_listed(right)} right; {name} is the first that is wrong." if right else (
            f"steps: {name} is the first that is wrong."
        )  # fmt: skip
        return [lead, *_shown(exercise, place, name, values[-1], forms)]
    return [f"steps: {_listed(right)} right; what is wrong comes behind."] if right else []


def _listed(names: Sequence[str]) -> str:
    return f"{' and '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)} {'are' if len(names) > 1 else 'is'}"


def _comparable(value: Any, form: Any) -> bool:
    """Whether a value can be meant to be that step: it has its axes, or its numbers in another order."""
    return bool(value.ndim == form.ndim or (value.size == form.size and value.size > 1))


def _equal(value: Any, form: Any, tolerance: Any) -> bool:
    if value.shape == form.shape and np.isneginf(form).any():
        value = np.where(value.astype(np.result_type(value, float)) < BLOCKED, -np.inf, value)
    return bool(value.shape == form.shape and not differences(value, form, tolerance).any())


def _shown(exercise: Exercise, place: int, name: str, value: Any, forms: Sequence[Any]) -> list[str]:
    """The worst number, the same by hand, and what explains the difference."""
    meant = [one for one in forms if one.shape == value.shape]
    if not meant:
        lines = [f"{name} has the shape {value.shape}, and {forms[0].shape} is right."]
        return lines + explained(name, [_case(exercise, place, value, forms[0])])
    said = [(one, explained(name, [_case(exercise, place, value, one)])) for one in meant]
    form, says = next((pair for pair in said if pair[1]), said[0])
    gap = _gap(value, form)
    worst = int(gap.argmax())
    at = tuple(map(int, np.unravel_index(worst, gap.shape)))
    got, wanted = two_numbers(value[at], form[at])
    lines = [f"{name}{place_of(at)} is {got}, and {wanted} is right."]
    if name in exercise.cells and form.size == forms[0].size and form.flat[worst] == forms[0].flat[worst]:
        own = tuple(map(int, np.unravel_index(worst, forms[0].shape)))  # a form may have its axes put together
        lines.append(f"by hand: {name}{place_of(at)} = {exercise.cells[name](own, **exercise.cases[place].arguments)}")
    return lines + says


def _gap(value: Any, form: Any) -> Any:
    """How far each number is off; NaN is as far as can be."""
    with np.errstate(all="ignore"):
        gap = np.where(value == form, 0.0, np.abs(value.astype(float) - form.astype(float)))
    return np.nan_to_num(gap, nan=np.inf)


def _case(exercise: Exercise, place: int, have: Any, want: Any) -> Case:
    arguments = exercise.cases[place].arguments
    named = {key: one for key, one in arguments.items() if isinstance(one, np.ndarray) and one.dtype.kind == "f"}
    steps = {key: forms[0] for key, forms in exercise.stages(arguments).items()}
    axis = arguments.get("axis", -1)
    return Case(
        have, want, tolerance_of(exercise, place), named | steps, {}, sizes_of(exercise, arguments),
        axis if axis < 0 else axis - max(np.ndim(want), axis + 1), exercise.name.endswith("backward"),
    )  # fmt: skip


def examined(exercise: Exercise, right: Sequence[Outcome], outcomes: Sequence[Outcome]) -> list[str]:
    """Result by result: which are right on every input, and what explains the others on all inputs where they are not."""
    labels = [name.partition(":")[0] for name in exercise.results]
    wrong: dict[str, list[Case]] = {label: [] for label in labels}
    for place, (want, have) in enumerate(zip(right, outcomes, strict=True)):
        wanted, given = parts_of(want.value), parts_of(have.value)
        if have.raised or want.raised or len(given) != len(labels) or not all(map(_numeric, (*wanted, *given))):
            return []
        pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(wanted, given, strict=True)]
        for label, (a, b) in zip(labels, pairs, strict=True):
            if b.shape != a.shape or differences(b, a, tolerance_of(exercise, place)).any():
                case = _case(exercise, place, b, a)
                case.others.update({other: c for other, (c, _) in zip(labels, pairs, strict=True) if other != label})
                wrong[label].append(case)
    fine = [label for label in labels if not wrong[label]]
    lines = []
    if fine and len(fine) < len(labels):
        bad = [label for label in labels if wrong[label]]
        lines = [f"{_listed(fine)} right on all inputs; {_listed(bad)} not."]
    for label, cases in wrong.items():
        many = f"all {len(cases)} inputs" if len(cases) > 1 else "the one input"
        lines += explained(label, cases, f"on {many} where it is wrong") if cases else []
    return lines


def _numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray | int | float)


def sizes_of(exercise: Exercise, arguments: dict[str, Any]) -> dict[str, float]:
    """What an array may wrongly be multiplied or divided by: sizes of axes under their names in the stub, the number of
    rows, of what counts in a mask, and numbers that are given."""
    parameters = inspect.signature(exercise.given_stub).parameters
    given = {name: p.default for name, p in parameters.items() if p.default is not p.empty} | arguments
    sizes: dict[str, float] = {}
    for names, axes in re.findall(r"([\w*]+(?:, [\w*]+)*): \(([\w., ]*)\)", exercise.given_stub.__doc__ or ""):
        letters = [axis.strip() for axis in axes.split(",") if axis.strip()]
        for name in names.split(", "):
            array = given.get(name)
            if isinstance(array, np.ndarray):
                for letter, size in zip(letters[::-1], array.shape[::-1], strict=False):
                    if letter.isidentifier():
                        sizes.setdefault(letter, size)
    if isinstance(given.get("axis"), int):
        lengths = {value.shape[given["axis"]] for value in given.values() if isinstance(value, np.ndarray)}
        sizes |= {"(length of a slice)": min(lengths)} if lengths else {}
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "b":
                sizes[f"(True in {name})"] = int(value.sum())
            elif value.ndim > 1:
                sizes.setdefault("(number of rows)", math.prod(value.shape[:-1]))
        elif name != "axis" and isinstance(value, int | float) and not isinstance(value, bool):
            sizes.setdefault(name, value)
    rows = sizes.get("(number of rows)")
    if rows and any(np.asarray(one).dtype.kind == "b" for case in exercise.cases for one in case.arguments.values()):
        sizes["(rows that count)"] = next((size for name, size in sizes.items() if name.startswith("(True in")), rows)
    return sizes


def faults_of(exercise: Exercise) -> Iterator[str]:
    """Steps that are not what the truth gives, and numbers by hand that are not those of their step."""
    labels = [name.partition(":")[0] for name in exercise.results]
    for place, (case, right) in enumerate(zip(exercise.cases, outcomes_of(exercise, exercise.right), strict=True)):
        stages, tolerance = exercise.stages(case.arguments), tolerance_of(exercise, place)
        for name, forms in stages.items():
            if name in labels and not _equal(
                forms[0], np.asarray(parts_of(right.value)[labels.index(name)]), tolerance
            ):
                yield f"step {name} is not the result on: {case.about}"
        for name in exercise.cells:
            form = stages[name][0]
            at = tuple(size // 2 for size in form.shape)
            told = float(exercise.cells[name](at, **case.arguments).rpartition("= ")[2])
            scale = np.abs(form[np.isfinite(form)]).max(initial=0.0)
            if abs(told - float(form[at])) > 1e-3 * scale + 1e-12:
                yield f"{name} by hand is {told}, and the step is {form[at]:.6g} on: {case.about}"
