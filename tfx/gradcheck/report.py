"""What a check found: one number for each input, and words for what is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

#: Largest relative error that passes in float64, method by method.  Correct code stays well below; a float32 that has
#: slipped into a backward shows as 3e-8, which the customary 1e-7 lets through, and a forgotten eps as 6e-7.
TOLERANCE = 1e-9
CENTRAL_TOLERANCE = 1e-6  # one step, rounding and truncation both at work: ten digits at best, often eight
COMPLEX_TOLERANCE = 1e-12
ADJOINT_TOLERANCE = 1e-14
MODEL_TOLERANCE = 1e-10  # a whole model, by directions


@dataclass(frozen=True)
class InputReport:
    """One input: its error, and the element where analytic and numeric gradient differ most.

    `index` is that element, or (number of the direction,) when directions were checked.  `problem` says in words why
    the gradient cannot be compared at all (a wrong shape, NaN); the error is infinite then.  `doubt` says why the
    difference proves nothing (gradcheck/doubt.py).
    """

    name: str
    error: float
    index: tuple[int, ...] = ()
    analytic: float = math.nan
    numeric: float = math.nan
    uncertainty: float = 0.0
    n_checked: int = 0
    problem: str = ""
    doubt: str = ""

    def summary(self) -> str:
        return f"{self.measured()}; not decidable: {self.doubt}" if self.doubt else self.measured()

    def measured(self) -> str:
        """The worst element, without a word about what it proves."""
        if self.problem:
            return f"{self.name}: {self.problem}"
        if not self.n_checked:
            return f"{self.name}: empty, nothing to check"
        where = f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name
        return f"{where}: analytic {self.analytic:.9g}, numeric {self.numeric:.9g}, relative error {self.error:.1e}"


@dataclass(frozen=True)
class Report:
    """What a check found.  `worst` is the largest relative error over all inputs."""

    inputs: Mapping[str, InputReport]
    tolerance: float

    @property
    def worst_input(self) -> InputReport:
        """Of those whose difference proves something, if there are any beyond the tolerance."""
        plain = [report for report in self.inputs.values() if not report.doubt]
        beyond = [report for report in plain if not report.error <= self.tolerance]
        return max(beyond or self.inputs.values(), key=lambda report: report.error)

    @property
    def worst(self) -> float:
        return self.worst_input.error

    @property
    def passes(self) -> bool:
        """Whether every gradient agrees."""
        return self.verdict == "agree"

    @property
    def verdict(self) -> str:
        """`agree`, `differ`, or `undecided` where the only differences are such that prove nothing."""
        failing = [report for report in self.inputs.values() if not report.error <= self.tolerance or report.doubt]
        if not failing:
            return "agree"
        return "undecided" if all(report.doubt and not report.problem for report in failing) else "differ"

    def summary(self) -> str:
        """One sentence: the verdict and the worst element with its analytic and its numeric gradient."""
        if self.verdict == "undecided":
            doubtful = next(report for report in self.inputs.values() if report.doubt)
            return f"not decidable: {doubtful.doubt}" + (f"; {doubtful.measured()}" if doubtful.n_checked else "")
        return f"gradients {self.verdict}; worst is {self.worst_input.summary()} (tolerance {self.tolerance:.0e})"
