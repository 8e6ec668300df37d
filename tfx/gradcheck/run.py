"""Runs the registry: every case must pass, every control must fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from tfx.errors import unknown_name
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases import CASES, CONTROLS
from tfx.gradcheck.check import TOLERANCE, Report, check_gradients

#: progress(how many are done, how many there are, the name of the next one)
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class GradcheckRow:
    """One input of one case: a line of the table that `tfx gradcheck` shows."""

    op: str
    case: str
    input: str
    error: float
    passes: bool
    element: str  # where the two gradients differ most, with both values


@dataclass(frozen=True)
class CaseReport:
    case: Case
    report: Report

    @property
    def passes(self) -> bool:
        return self.report.passes

    def rows(self) -> tuple[GradcheckRow, ...]:
        return tuple(
            GradcheckRow(
                self.case.op,
                self.case.variant,
                name,
                found.error,
                found.error <= self.report.tolerance,
                found.summary(),
            )
            for name, found in self.report.inputs.items()
        )


@dataclass(frozen=True)
class ControlReport:
    """`caught` is what has to be true: the wrong backward did not pass."""

    control: Control
    report: Report

    @property
    def caught(self) -> bool:
        return not self.report.passes


def op_names() -> tuple[str, ...]:
    """Every name that `run_all` knows, in the order of the registry."""
    return tuple(dict.fromkeys(case.op for case in CASES))


def run_case(case: Case, seed: int = 0, tolerance: float = TOLERANCE) -> CaseReport:
    return CaseReport(case, _check(case.build(np.random.default_rng(seed)), seed, tolerance))


def run_all(
    names: Iterable[str] | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Iterator[CaseReport]:
    """Runs the cases of these ops (`softmax`, `nn.Linear`), or all, one report at a time.

    Raises BadInput for a name that is not in the registry, before anything runs.
    """
    cases = _selected(names)
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number, len(cases), f"{case.op}: {case.variant}")
        yield run_case(case, seed, tolerance)


def run_controls(
    names: Iterable[str] | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Iterator[ControlReport]:
    """Runs the wrong backwards of these ops, or all of them; each has to be caught."""
    wanted = None if names is None else {case.op for case in _selected(names)}
    controls = [control for control in CONTROLS if wanted is None or control.op in wanted]
    for number, control in enumerate(controls):
        if progress is not None:
            progress(number, len(controls), f"{control.op}, broken: {control.mistake}")
        yield ControlReport(control, _check(control.build(np.random.default_rng(seed)), seed, tolerance))


def _selected(names: Iterable[str] | None) -> list[Case]:
    if names is None:
        return list(CASES)
    known = {name.lower(): name for name in op_names()}
    exact = set(known.values())
    wanted = set()
    for name in names:
        found = name if name in exact else known.get(name.lower().replace("-", "_"))
        if found is None:
            raise unknown_name("operation", name, known.values(), "tfx gradcheck")
        wanted.add(found)
    return [case for case in CASES if case.op in wanted]


def _check(problem: Problem, seed: int, tolerance: float) -> Report:
    forward = partial(problem.forward, **problem.fixed)
    return check_gradients(
        forward, problem.backward, problem.inputs, seed=seed, tolerance=tolerance, directions=problem.directions
    )
