"""Cases of tfx/ops/basics/normalised_relu.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T, off_zero
from tfx.ops.basics.normalised_relu import normalised_relu_backward, normalised_relu_forward


def normalised_relu(rng: Rng) -> Problem:
    x = off_zero(rng.standard_normal((B, T, S)))
    x[..., 0] = abs(x[..., 0])
    return Problem(normalised_relu_forward, normalised_relu_backward, {"x": x})


def nothing_positive(rng: Rng) -> Problem:
    problem = normalised_relu(rng)
    problem.inputs["x"][0, 1] = -abs(problem.inputs["x"][0, 1])
    return problem


CASES: tuple[Case, ...] = (
    Case(normalised_relu_backward, "a positive score in every row", normalised_relu),
    Case(normalised_relu_backward, "a row without a positive score", nothing_positive),
)
