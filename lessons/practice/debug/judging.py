"""Whether a file does what the right program does.  Never by its text: it is run, and what comes out is compared.

Outputs and gradients must agree to 1e-9 of the largest number, whatever is reached by training steps to 1e-6, and what
was learned is asked on texts that were not trained on.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lessons.practice.bench import Left, run_file
from lessons.practice.debug.program import Call, Program, Rows, space_of
from lessons.practice.judging import Tolerance, Verdict, alike, broken, early_verdict
from lessons.practice.trying import Outcome, try_all

#: of computing
SECONDS = 10.0
EXACT, TRAINED = Tolerance(1e-9, 1e-6), Tolerance(1e-6, 1e-6)
#: the share of guesses on held-out texts that must be those of the right program
SOLVED = 0.95


def judge_source(program: Program, path: Path, source: str) -> Verdict:
    """Runs it in a process of its own."""
    left = Left()
    try:
        left = _run(program, path, source, program.judged)
        early = early_verdict(program.name, left, [_about(call) for call in program.judged])
        verdict = early or judge(program, left.outcomes, left.traceback)
    except Exception as error:
        verdict = broken(program.name, "".join(traceback.format_exception(error)))
    return replace(verdict, printed=left.printed_on(verdict.shown))


def asked(program: Program, path: Path, source: str, question: str) -> tuple[Rows, Verdict | None]:
    """What the file answers; a verdict where it gives no answer."""
    name = program.questions[question].__name__
    left = _run(program, path, source, [Call(name, {})], twice=False)
    early = early_verdict(program.name, left, [question])
    if early:
        return (), early
    (outcome,) = left.outcomes
    if outcome.raised:
        says = f"it raises {': '.join(outcome.raised)}.".replace("..", ".")
        return (), Verdict(program.name, "raises", says, (left.traceback.rstrip(),), printed=left.printed_on(-1))
    return tuple((str(row), value) for row, value in outcome.value), None


def _run(program: Program, path: Path, source: str, calls: Sequence[Call], twice: bool = True) -> Left:
    asked = [{"name": call.name, "arguments": call.arguments} for call in calls]
    return run_file(path, source, "", asked, SECONDS, asking=str(program.asking_path), twice=twice)


def _about(call: Call) -> str:
    return f"{call.name} of {', '.join(_size(name, value) for name, value in call.arguments.items())}"


def _size(name: str, value: Any) -> str:
    return (
        f"{name} {value.shape}"
        if isinstance(value, np.ndarray)
        else name
        if isinstance(value, dict)
        else f"{name} {value}"
    )


def outcomes_here(program: Program, source: str, calls: Sequence[Call] = (), twice: bool = False) -> list[Outcome]:
    """Of a source of our own, run in this process; calls: those that a fix is judged by, unless given."""
    space = space_of(source, program.name)

    def ask(name: str, arguments: dict[str, Any]) -> Any:
        return getattr(program.asking, name)(space, **arguments)

    return try_all(ask, [{"name": c.name, "arguments": c.arguments} for c in calls or program.judged], twice)


@cache
def right_outcomes(program: Program) -> tuple[Outcome, ...]:
    return tuple(outcomes_here(program, program.source))


def judge(program: Program, outcomes: Sequence[Outcome], trace: str = "") -> Verdict:
    """outcomes: of all judged calls, in their order."""
    wrong: dict[str, list[str]] = {}
    for call, right, got in zip(program.judged, right_outcomes(program), outcomes, strict=True):
        found = difference(call, right, got)
        wrong.setdefault(call.name, []).append(found)
    faults = [found for some in wrong.values() for found in some if found]
    if not faults:
        return Verdict(program.name, "passed", f"on all {len(outcomes)} inputs it does what the right program does.")
    evidence = [f"{name}: right on {some.count('')} of {len(some)} inputs" for name, some in wrong.items()]
    raised = next((got.raised for got in outcomes if got.raised), None)
    if raised and trace:
        evidence.append(trace.rstrip())
    return Verdict(program.name, "raises" if raised else "differs", faults[0], tuple(evidence))


def difference(call: Call, right: Outcome, got: Outcome) -> str:
    """What is wrong with one call, in a sentence; nothing where it is right."""
    if got.raised:
        return f"{call.name} raises {got.raised[0]}: {got.raised[1]}.".replace("..", ".")
    if call.name == "solved":
        if np.shape(got.value) != np.shape(right.value) or np.mean(got.value == right.value) < SOLVED:
            return "what was trained does not solve the task on texts that it has not seen."
        return ""
    wanted, have = dict(leaves(call.name, right.value)), dict(leaves(call.name, got.value))
    if wanted.keys() != have.keys():
        return f"{call.name} gives {', '.join(have) or 'nothing'}, where {', '.join(wanted)} is asked for."
    tolerance = TRAINED if "steps" in call.arguments else EXACT
    for label, value in wanted.items():
        if not alike(Outcome(value=have[label]), Outcome(value=value), tolerance):
            return _first(label, have[label], value)
        if kind := _other_kind(have[label], value):
            return f"{label} has the right numbers, as {kind}."
    if set(got.changed) - set(right.changed):
        return f"{call.name} is right, and writes to what it was given."
    if not got.again:
        return f"{call.name} is right, and the same call later gives something else: something is kept between calls."
    return ""


def _other_kind(have: Any, want: Any) -> str:
    """Whole numbers and True or False are used as places and masks, which other kinds of numbers cannot be."""
    is_kind, wanted = np.asarray(have).dtype.kind, np.asarray(want).dtype.kind
    if wanted == "b" and is_kind != "b":
        return "numbers, where True and False are asked for"
    return "floats, where whole numbers are asked for" if wanted in "iu" and is_kind not in "iu" else ""


def leaves(label: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every array and number of a result, with a name."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(f"{label} {name}", part)
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            yield from leaves(f"{label} {place + 1}", part)
    else:
        yield label, value


def _first(label: str, have: Any, want: Any) -> str:
    if not isinstance(have, np.ndarray | int | float | complex):
        return f"{label} is {getattr(have, 'type', type(have).__name__)}, where numbers are asked for."
    got, right = np.asarray(have), np.asarray(want)
    if got.shape != right.shape:
        return f"{label} has the shape {got.shape}, and {right.shape} is right."
    off = np.abs(got.astype(complex) - right) > EXACT.relative * np.abs(right).max(initial=EXACT.least)
    off |= np.isfinite(got) != np.isfinite(right)
    at = tuple(int(n) for n in np.argwhere(off)[0]) if off.any() else ()
    place = f"[{', '.join(map(str, at))}]" if at else ""
    return f"{label}{place} is {got[at]:.6g}, and {right[at]:.6g} is right."
