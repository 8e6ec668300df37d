"""Cases of tfx/ops/basics/softmax.py."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T, some_allowed
from tfx.ops.basics.softmax import softmax_backward, softmax_forward


def softmax(rng: Rng, axis: int = -1, scale: float = 1.0, blocked: bool = False) -> Problem:
    x = scale * rng.standard_normal((B, T, S))
    if not blocked:
        return Problem(softmax_forward, softmax_backward, {"x": x}, {"axis": axis})
    allowed = some_allowed(rng, (B, T, S))
    allowed[1, 2] = False
    return Problem(_blocked_softmax_forward, softmax_backward, {"x": x}, {"allowed": allowed})


def _blocked_softmax_forward(x: Any, allowed: Any) -> tuple[Any, Any]:
    return softmax_forward(xp_of(x).where(allowed, x, -math.inf).astype(x.dtype))


CASES: tuple[Case, ...] = (
    Case(softmax_backward, "last axis", softmax),
    Case(softmax_backward, "middle axis", partial(softmax, axis=1)),
    Case(softmax_backward, "scores 30 times larger", partial(softmax, scale=30.0)),
    Case(softmax_backward, "blocked entries, one row of them", partial(softmax, blocked=True)),
)
