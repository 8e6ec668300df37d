"""Cases of tfx/ops/basics/logsumexp.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T
from tfx.ops.basics.logsumexp import logsumexp_backward, logsumexp_forward


def logsumexp(rng: Rng, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False, scale: float = 1.0) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    return Problem(logsumexp_forward, logsumexp_backward, {"x": x}, {"axis": axis, "keepdims": keepdims})


CASES: tuple[Case, ...] = (
    Case(logsumexp_backward, "last axis", logsumexp),
    Case(logsumexp_backward, "two axes, kept", partial(logsumexp, axis=(0, 2), keepdims=True)),
    Case(logsumexp_backward, "all axes", partial(logsumexp, axis=None)),
    Case(logsumexp_backward, "scores 30 times larger", partial(logsumexp, axis=1, scale=30.0)),
)
