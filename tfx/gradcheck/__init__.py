"""Gradient checking: is a hand-derived backward the derivative of its forward?

Check your own code.  `forward` takes the inputs by name and returns (y, cache); `backward` takes (dy, cache) and
returns the gradients in the order of the inputs.  Nothing else of this library is needed:

    >>> import numpy as np
    >>> from tfx.gradcheck import check_gradients

    >>> def forward(x, w):
    ...     y = np.tanh(x @ w)
    ...     return y, (x, w, y)

    >>> def backward(dy, cache):
    ...     x, w, y = cache
    ...     dz = dy * (1 - y * y)
    ...     return dz @ w.T, x.T @ dz

    >>> rng = np.random.default_rng(0)
    >>> inputs = {"x": rng.standard_normal((3, 4)), "w": rng.standard_normal((4, 2))}
    >>> report = check_gradients(forward, backward, inputs)
    >>> assert report.passes, report.summary()
    >>> report.worst < 1e-9
    True

A mistake is named, with the element where it is worst:

    >>> def forgets_tanh(dy, cache):
    ...     x, w, y = cache
    ...     return dy @ w.T, x.T @ dy

    >>> wrong = check_gradients(forward, forgets_tanh, inputs)
    >>> wrong.passes
    False
    >>> print(wrong.worst_input.summary())
    w[1, 1]: analytic -2.73645459, numeric -0.801250061, relative error 9.4e-01

A third verdict keeps right code from being accused.  Where a difference proves nothing, because of a kink close by,
random numbers in forward, an input that it overwrites, float32 inside, or plain rounding, the report says so:

    >>> def relu(x):
    ...     return np.maximum(x, 0), x
    >>> at_a_kink = check_gradients(relu, lambda dy, x: dy * (x > 0), {"x": np.array([[-1.0, 0.0, 2.0]])})
    >>> report.verdict, wrong.verdict, at_a_kink.verdict
    ('agree', 'differ', 'undecided')
    >>> at_a_kink.worst_input.doubt
    'a kink: forward has one slope to the left of here and another to the right'

`passes` is true for "agree" alone.

Other ways to look, from the most general to the sharpest:

    >>> check_gradients(forward, backward, inputs, method="central").worst < 1e-6    # one plain difference
    True
    >>> check_gradients(forward, backward, inputs, directions=1).worst < 1e-9        # a slope for each tensor: cheap
    True
    >>> check_gradients(forward, backward, inputs, method="complex").worst < 1e-12   # exact; forward must be analytic
    True

    >>> from tfx.gradcheck import check_adjoint
    >>> def linear(x, w):
    ...     return x @ w, (x, w)
    >>> def linear_back(dy, cache):
    ...     x, w = cache
    ...     return dy @ w.T, x.T @ dy
    >>> check_adjoint(linear, linear_back, inputs).worst < 1e-14                     # linear maps: no derivative at all
    True

Advice that saves time: float64; sizes that are odd and all different, because square ones hide a transpose; random
weights, not 0 and 1; an eps large enough to be seen; inputs away from kinks.

Check this library: `run_all()` runs every case of the registry `CASES`, and `run_controls()` runs backwards with known
mistakes (`mistakes/`), each of which the checker has to catch.  A checker that has never failed proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfx.gradcheck.adjoint import check_adjoint, is_linear
from tfx.gradcheck.check import check_gradients
from tfx.gradcheck.complex_step import NotComplexSafe, complex_step_derivative
from tfx.gradcheck.derivative import central_derivative, directional_derivative, numeric_gradient, richardson
from tfx.gradcheck.report import (
    ADJOINT_TOLERANCE,
    COMPLEX_TOLERANCE,
    MODEL_TOLERANCE,
    TOLERANCE,
    InputReport,
    Report,
)

if TYPE_CHECKING:
    from tfx.gradcheck.case import Case, Problem
    from tfx.gradcheck.cases import CASES
    from tfx.gradcheck.mistake import Mistake
    from tfx.gradcheck.mistakes import all_mistakes, find_mistake, mistakes_of
    from tfx.gradcheck.registry import CONTROLS, backward_functions, broken, layer_classes, not_registered
    from tfx.gradcheck.run import (
        CaseReport,
        ControlReport,
        GradcheckRow,
        op_names,
        run_all,
        run_case,
        run_control,
        run_controls,
    )

__all__ = [
    "ADJOINT_TOLERANCE",
    "CASES",
    "COMPLEX_TOLERANCE",
    "CONTROLS",
    "MODEL_TOLERANCE",
    "TOLERANCE",
    "Case",
    "CaseReport",
    "ControlReport",
    "GradcheckRow",
    "InputReport",
    "Mistake",
    "NotComplexSafe",
    "Problem",
    "Report",
    "all_mistakes",
    "backward_functions",
    "broken",
    "central_derivative",
    "check_adjoint",
    "check_gradients",
    "complex_step_derivative",
    "directional_derivative",
    "find_mistake",
    "is_linear",
    "layer_classes",
    "mistakes_of",
    "not_registered",
    "numeric_gradient",
    "op_names",
    "richardson",
    "run_all",
    "run_case",
    "run_control",
    "run_controls",
]

#: What belongs to the registry imports the whole library, so it is fetched when it is asked for: whoever checks code
#: of their own needs NumPy and this package.
_REGISTRY: dict[str, tuple[str, ...]] = {
    "case": ("Case", "Problem"),
    "cases": ("CASES",),
    "mistake": ("Mistake",),
    "mistakes": ("all_mistakes", "find_mistake", "mistakes_of"),
    "registry": ("CONTROLS", "backward_functions", "broken", "layer_classes", "not_registered"),
    "run": (
        "CaseReport",
        "ControlReport",
        "GradcheckRow",
        "op_names",
        "run_all",
        "run_case",
        "run_control",
        "run_controls",
    ),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _REGISTRY.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
