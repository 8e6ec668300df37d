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
    """What a check found.  `worst` is the largest relative error over all inputs."""

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
