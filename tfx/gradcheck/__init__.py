"""Gradient checking: is a hand-derived backward the derivative of its forward?

Check your own code; `forward` takes the inputs by name and returns (y, cache), `backward` takes (dy, cache):

    from tfx.gradcheck import check_gradients

    report = check_gradients(forward, backward, {"x": x, "w": w})
    assert report.passes, report.summary()

Check this library: `run_all()` runs every case of the registry `CASES`, and `run_controls()` runs backwards with known
mistakes, each of which the checker has to catch.  A checker that has never failed proves nothing.
"""

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases import CASES, CONTROLS
from tfx.gradcheck.check import TOLERANCE, InputReport, Report, check_gradients
from tfx.gradcheck.derivative import directional_derivative, numeric_gradient, richardson
from tfx.gradcheck.registry import backward_functions, broken, layer_classes, not_registered
from tfx.gradcheck.run import CaseReport, ControlReport, GradcheckRow, op_names, run_all, run_case, run_controls

__all__ = [
    "CASES",
    "CONTROLS",
    "TOLERANCE",
    "Case",
    "CaseReport",
    "Control",
    "ControlReport",
    "GradcheckRow",
    "InputReport",
    "Problem",
    "Report",
    "backward_functions",
    "broken",
    "check_gradients",
    "directional_derivative",
    "layer_classes",
    "not_registered",
    "numeric_gradient",
    "op_names",
    "richardson",
    "run_all",
    "run_case",
    "run_controls",
]
