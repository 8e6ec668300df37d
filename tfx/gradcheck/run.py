"""Runs the registry: every case must pass, every control must fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tfx.errors import unknown_name
from tfx.gradcheck.adjoint import check_adjoint, is_linear
from tfx.gradcheck.case import Case
from tfx.gradcheck.cases import CASES
from tfx.gradcheck.check import check_gradients
from tfx.gradcheck.complex_step import NotComplexSafe
from tfx.gradcheck.mistake import Mistake
from tfx.gradcheck.registry import CONTROLS
from tfx.gradcheck.report import MODEL_TOLERANCE, TOLERANCE, Report
from tfx.gradcheck.returned import by_name

#: Of each input, when Richardson is a second opinion.
SOME_ELEMENTS = 6

#: progress(how many are done, how many there are, the name of the next one)
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class GradcheckRow:
    """One input of one case: a line of the table that `tfx gradcheck` shows.

    error: Richardson's.  complex_error, adjoint_error: None where the method does not apply.
    """

    op: str
    case: str
    input: str
    error: float
    complex_error: float | None
    adjoint_error: float | None
    passes: bool
    element: str  # where the two gradients differ most, with both values


@dataclass(frozen=True)
class CaseReport:
    """`report` is Richardson's; the other two are None where their method does not apply."""

    case: Case
    report: Report
    by_complex_step: Report | None = None
    by_adjoint: Report | None = None

    @property
    def reports(self) -> tuple[Report, ...]:
        return tuple(report for report in (self.report, self.by_complex_step, self.by_adjoint) if report is not None)

    @property
    def passes(self) -> bool:
        return all(report.passes for report in self.reports)

    @property
    def worst_report(self) -> Report:
        """The one that is farthest beyond its tolerance, or nearest to it."""
        return max(self.reports, key=lambda report: report.worst / report.tolerance)

    def rows(self) -> tuple[GradcheckRow, ...]:
        return tuple(self._row(name) for name in self.report.inputs)

    def _row(self, name: str) -> GradcheckRow:
        of_input = [(report.inputs[name], report.tolerance) for report in self.reports if name in report.inputs]
        found = [one.error <= tolerance and not one.doubt for one, tolerance in of_input]
        richardson = self.report.inputs[name]
        return GradcheckRow(
            self.case.op,
            self.case.variant,
            name,
            richardson.error,
            _error_of(name, self.by_complex_step),
            _error_of(name, self.by_adjoint),
            all(found),
            richardson.summary(),
        )


def _error_of(name: str, report: Report | None) -> float | None:
    return report.inputs[name].error if report is not None and name in report.inputs else None


@dataclass(frozen=True)
class ControlReport:
    """`caught` is what has to be true: the gradients differ.  A check that could not decide caught nothing."""

    control: Mistake
    report: Report

    @property
    def caught(self) -> bool:
        return self.report.verdict == "differ"


def op_names() -> tuple[str, ...]:
    """Every name that `run_all` knows, in the order of the registry."""
    return tuple(dict.fromkeys(case.op for case in CASES))


def run_case(
    case: Case, seed: int = 0, tolerance: float | None = None, elements: int | None = SOME_ELEMENTS
) -> CaseReport:
    """Richardson, and complex step and adjoint where they apply.

    tolerance: Richardson's; 1e-9, and 1e-10 for whole models, unless told.  The complex step takes one forward for an
    element and looks at all of them; Richardson takes seven, so where both apply it looks at that many elements of each
    input, drawn anew for every seed.  elements=None: at all of them.
    """
    if tolerance is None:
        tolerance = MODEL_TOLERANCE if case.op.startswith("models.") else TOLERANCE
    problem = case.build(np.random.default_rng(seed))
    forward = partial(problem.forward, **problem.fixed)
    check = partial(
        check_gradients, forward, problem.backward, problem.inputs, seed=seed, directions=problem.directions
    )
    report = check(tolerance=tolerance, max_elements=elements if case.complex_safe else None)
    comparable = [name for name, found in report.inputs.items() if not found.problem]
    if len(comparable) < len(report.inputs):
        return CaseReport(case, report)  # wrong in a way that other methods have nothing to add to
    by_complex_step = check(method="complex") if case.complex_safe else None
    by_adjoint = None
    if case.linear or "." not in case.op:
        linear = [name for name in comparable if case.linear or is_linear(forward, problem.inputs, name)]
        if linear:
            only = _only(problem.backward, comparable, linear)
            by_adjoint = check_adjoint(forward, only, problem.inputs, linear, seed)
    return CaseReport(case, report, by_complex_step, by_adjoint)


def _only(
    backward: Callable[[Any, Any], Any], names: list[str], wanted: list[str]
) -> Callable[[Any, Any], dict[str, Any]]:
    """The backward with the gradients of `wanted` alone, under their names."""

    def chosen(dy: Any, cache: Any) -> dict[str, Any]:
        gradients = by_name(backward(dy, cache), names)
        return {name: gradients[name] for name in wanted}

    return chosen


def run_all(
    names: Iterable[str] | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    tolerance: float | None = None,
) -> Iterator[CaseReport]:
    """Runs the cases of these ops (`softmax`, `nn.Linear`), or all, one report at a time.

    Raises BadInput for a name that is not in the registry, before anything runs.
    """
    cases = _selected(names)
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number, len(cases), f"{case.op}: {case.variant}")
        yield run_case(case, seed, tolerance)


def run_control(control: Mistake, seed: int = 0) -> ControlReport:
    """By complex step, which is quick, or by Richardson where the forward is not analytic."""
    problem = control.build(np.random.default_rng(seed))
    forward = partial(problem.forward, **problem.fixed)
    check = partial(
        check_gradients, forward, problem.backward, problem.inputs, seed=seed, directions=problem.directions
    )
    try:
        report = check(method="complex", tolerance=TOLERANCE)
    except NotComplexSafe:
        report = check()
    return ControlReport(control, report)


def run_controls(
    names: Iterable[str] | None = None, progress: Progress | None = None, seed: int = 0
) -> Iterator[ControlReport]:
    """Runs the wrong backwards of these ops, or all of them; each has to be caught."""
    wanted = None if names is None else {case.op for case in _selected(names)}
    controls = [control for control in CONTROLS if wanted is None or control.op in wanted]
    for number, control in enumerate(controls):
        if progress is not None:
            progress(number, len(controls), f"{control.op}, broken: {control.says}")
        yield run_control(control, seed)


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
