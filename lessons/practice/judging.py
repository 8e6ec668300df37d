"""One verdict about a learner's function: the first of what is wrong, in a fixed order, and which mistake it is.

    syntax, import, missing, stub, raises, type, shape, not finite, values, changed, shared, again, dtype,
    gradient (of an answer in PyTorch: autograd.py), passed

    time, exit: the process ended before it gave anything that can be read;  grader: tfx itself broke down, whatever the file holds

    too much memory, too slow: right, and dearer than a rule allows on one larger input

A mistake is named only where the function gives on every input what that mistake gives: the same numbers, the same
shapes, the same exceptions.  Several that do are told as candidates; none is "unknown".
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lessons.practice.bench import Left, plain, run_file
from lessons.practice.comparing import (
    Result, Tolerance, alike, compared, inputs_of, outcomes_of, parts_of, taken_apart, tolerance_of,
)  # fmt: skip
from lessons.practice.cost import Cost, cost_of
from lessons.practice.exercise import Exercise, Mistake
from lessons.practice.steps import examined, first_wrong_step
from lessons.practice.trying import Outcome
from tfx.errors import EnvironmentProblem

__all__ = ["Tolerance", "Verdict", "alike", "judge", "judge_file", "outcomes_of", "tolerance_of", "too_dear"]


@dataclass(frozen=True)
class Verdict:
    """kind: one of the words above.  says: it in a sentence.  evidence: lines that show it.  mistake: the only one that
    gives the same; candidates: those that do, if there are several.  place: of the first input that is wrong; -1:
    none.  shown: of the one that the evidence is about; printed: on it, or on all inputs where there is none."""

    exercise: str
    kind: str
    says: str
    evidence: tuple[str, ...] = ()
    mistake: Mistake | None = None
    candidates: tuple[Mistake, ...] = ()
    printed: str = ""
    rule: str = ""
    place: int = -1
    shown: int = -1
    framework: str = "numpy"

    @property
    def passed(self) -> bool:
        return self.kind == "passed"


def judge_file(
    exercise: Exercise,
    path: Path,
    source: str,
    behind: Callable[[Left], Verdict | None] = lambda left: None,
    **more: Any,
) -> Verdict:
    """Runs the file in a process of its own and judges what it left.

    behind: looks again at what is right so far.  more: of `run_file`, such as the framework.  Raises EnvironmentProblem
    where the framework cannot be imported.
    """
    left, tools = Left(), {name: one for name, one in more.items() if name == "framework"}
    try:
        left = run_file(path, source, exercise.function_name, [case.arguments for case in exercise.cases], **more)
        if left.no_torch:
            says = f"PyTorch is there, and cannot be imported: {left.no_torch}."
            raise EnvironmentProblem(says, "Install it anew: pip install torch")
        verdict = judge_left(exercise, left)
        verdict = (verdict.passed and behind(left)) or verdict
        if verdict.kind in ("raises", "shape", "not finite", "values") and exercise.step_names:
            verdict = _with_steps(exercise, verdict, path, source, **tools)
        elif verdict.passed and exercise.most:
            verdict = _dear(exercise, path, source, **tools) or verdict
    except EnvironmentProblem:
        raise
    except Exception as error:
        verdict = broken(exercise.name, "".join(traceback.format_exception(error)))
    says, evidence = plain(verdict.says).replace("\n", " "), tuple(map(plain, verdict.evidence))
    return replace(verdict, says=says, evidence=evidence, printed=left.printed_on(verdict.shown))


def _unread(name: str, trace: str) -> Verdict:
    says = "its results cannot be read: the file changes something of Python or NumPy on which that stands."
    return Verdict(name, "exit", says, tuple(filter(None, [trace.rstrip()])))


def judge_left(exercise: Exercise, left: Left) -> Verdict:
    """The first of what is wrong with what a run left."""
    abouts = [case.about for case in exercise.cases]
    early = early_verdict(exercise.name, left, abouts, exercise.function_name)
    return early or judge(exercise, left.outcomes, left.traceback)


def broken(name: str, trace: str) -> Verdict:
    says = "tfx itself broke down while it judged; this says nothing about your file."
    return Verdict(name, "grader", says, (trace.rstrip(), "report this, with what it prints: tfx doctor"))


def _with_steps(exercise: Exercise, verdict: Verdict, path: Path, source: str, **more: Any) -> Verdict:
    """Calls the function once more, on the input that is wrong, and looks at its variables."""
    names = [name.partition(":")[0] for name in exercise.step_names]
    arguments = exercise.cases[verdict.place].arguments
    seen = run_file(path, source, exercise.function_name, [arguments], tracing=names, **more).seen
    try:
        found = first_wrong_step(exercise, verdict.place, seen)
    except Exception as error:  # no reason to take back a verdict
        words = f"tfx broke down over the steps ({type(error).__name__}): report this, with what it prints: tfx doctor"
        return replace(verdict, evidence=(*verdict.evidence, words))
    said = {line.partition(", ")[0] for line in verdict.evidence}  # of all inputs, which says more than of one
    found = [line for line in found if ", everywhere" not in line or line.partition(", ")[0] not in said]
    about = f"input: {exercise.cases[verdict.place].about}"
    if found and about not in verdict.evidence:
        found.insert(0, f"on another {about}")
    head = next(n for n, line in enumerate(verdict.evidence[1:], 1) if not line.startswith("  "))
    return replace(verdict, evidence=(*verdict.evidence[:head], *found, *verdict.evidence[head:]))


def _dear(exercise: Exercise, path: Path, source: str, **more: Any) -> Verdict | None:
    """Calls the function once more, on one larger input, where a rule says what it may take there."""
    name, most = exercise.name, exercise.most
    assert most is not None
    calls = [exercise.cases[0].arguments, most.given]
    cost = "counted" if most.flops else "held"
    left = run_file(path, source, exercise.function_name, calls, cost=cost, **more)
    if left.cost is not None:
        return too_dear(exercise, Cost(*left.cost))
    evidence = (f"input: {most.about}", *filter(None, [left.traceback.rstrip()]))
    if left.ended == "time":
        return Verdict(
            name, "too slow", "the results are right, and on a larger input it does not come to an end.", evidence
        )
    if left.ended or "MemoryError" in left.traceback:
        says = "the results are right, and on a larger input there is not enough memory for it."
        return Verdict(name, "too much memory", says, evidence)
    return Verdict(name, "raises", "the results are right, and on a larger input it raises an exception.", evidence)


def too_dear(exercise: Exercise, took: Cost) -> Verdict | None:
    """took: on the larger input of `exercise.most`.  None where that is allowed."""
    most = exercise.most
    assert most is not None
    for kind, much, bound, unit in (
        ("too much memory", took.bytes, most.bytes, "bytes at once"),
        ("too slow", took.flops, most.flops, "operations"),
    ):
        if bound and much > bound:
            says = f"the results are right, and it takes {much:,} {unit}, where {bound:,} are allowed."
            ours = cost_of(exercise.solved, most.given)
            own = ours.bytes if unit == "bytes at once" else ours.flops
            return Verdict(exercise.name, kind, says, (f"input: {most.about}", f"one way to write it takes {own:,}."))
    return None


def judge(exercise: Exercise, outcomes: Sequence[Outcome], trace: str = "") -> Verdict:
    """outcomes: of all inputs, in their order."""
    name = exercise.name
    if all(_unfilled(outcome) for outcome in outcomes):
        return Verdict(name, "stub", f"{exercise.function_name} is still empty: nothing is returned.")
    right = outcomes_of(exercise, exercise.right)
    outcomes = [taken_apart(r, o) for r, o in zip(right, outcomes, strict=True)]
    results = [compared(exercise, place, r, o) for place, (r, o) in enumerate(zip(right, outcomes, strict=True))]
    for kind in ("raises", "type", "shape", "not finite", "values"):
        wrong = [result for result in results if result.kind == kind]
        if wrong:
            return _diagnosed(exercise, wrong[0], results, outcomes, right, trace)
    for kind, says in (
        ("changed", "the result is right, but {} is written to: it is changed after the call."),
        ("shared", "the result is right, but it lies in the memory of {}: who changes the one changes the other."),
    ):
        for place, outcome in enumerate(outcomes):
            names = getattr(outcome, kind)
            if names:
                evidence = (f"input: {exercise.cases[place].about}",)
                return Verdict(name, kind, says.format(" and ".join(names)), evidence, shown=place)
    for place, outcome in enumerate(outcomes):
        if not outcome.again:
            says = "the first call is right, and the same call later gives something else: something is kept between calls."
            return Verdict(name, "again", says, (f"input: {exercise.cases[place].about}",), shown=place)
    if exercise.keeps_dtype:
        for place, (r, o) in enumerate(zip(right, outcomes, strict=True)):
            wanted, got = _dtypes(r.value), _dtypes(o.value)
            if wanted != got:
                says = f"the numbers are right, and their type is {' and '.join(got)}, not {' and '.join(wanted)}."
                return Verdict(name, "dtype", says, (f"input: {exercise.cases[place].about}",), shown=place)
    return Verdict(name, "passed", exercise.learned)


def early_verdict(name: str, left: Left, abouts: Sequence[str], function: str = "") -> Verdict | None:
    """What goes wrong before anything can be compared.  abouts: a few words about each call."""
    shown = min(left.at, len(abouts) - 1)
    evidence = (f"input: {abouts[shown]}",)
    if left.syntax:
        return Verdict(name, "syntax", "Python cannot read the file.", (left.syntax.rstrip(),))
    if left.ended == "time":
        says = "it is not done after the time that an exercise has; is there a loop that never ends?"
        return Verdict(name, "time", says, evidence, shown=shown)
    if left.ended == "exit":
        says = "the program was ended (exit) before it returned anything."
        return Verdict(name, "exit", says, evidence, shown=shown)
    if left.ended == "signal":
        says = f"its process broke down ({left.signal}); was very much memory asked for?"
        return Verdict(name, "exit", says, evidence, shown=shown)
    if left.ended == "bent" or (left.stage == "call" and f'"{left.path}"' in left.traceback):
        return _unread(name, left.traceback)
    if left.stage == "import":
        enough = (
            ("No exercise needs another package than the one its file begins with.",)
            if "ModuleNotFoundError" in left.traceback
            else ()
        )
        says = "the file stops before its functions can be called."
        return Verdict(name, "import", says, (left.traceback.rstrip(), *enough))
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


def _dtypes(value: Any) -> list[str]:
    return [str(part.dtype) for part in parts_of(value) if isinstance(part, np.ndarray)]


def _diagnosed(
    exercise: Exercise,
    first: Result,
    results: Sequence[Result],
    outcomes: Sequence[Outcome],
    right: Sequence[Outcome],
    trace: str,
) -> Verdict:
    """Looks for what explains the numbers, and looks the function up in the bank of mistakes."""
    case = exercise.cases[first.place]
    evidence = [f"input: {case.about}", *(f"  {line}" for line in inputs_of(case.arguments)), *first.evidence]
    if first.kind == "raises" and trace:
        evidence.append(trace.rstrip())
    if first.kind in ("shape", "values") and not exercise.texts:
        evidence += examined(exercise, right, outcomes)
    evidence.append(f"right on {sum(not result.kind for result in results)} of {len(results)} inputs.")
    same = [
        mistake for mistake in exercise.mistakes
        if all(
            alike(o, m, tolerance_of(exercise, place))
            for place, (o, m) in enumerate(zip(outcomes, outcomes_of(exercise, mistake.function), strict=True))
        )
    ]  # fmt: skip
    if same:
        evidence.append(f"on all {len(results)} inputs it gives what this mistake gives.")
    place = next(result.place for result in results if result.kind and (result.kind == "raises") <= (result is first))
    return Verdict(
        exercise.name, first.kind, first.says, tuple(evidence), same[0] if len(same) == 1 else None,
        tuple(same) if len(same) > 1 else (), place=place, shown=first.place,
    )  # fmt: skip
