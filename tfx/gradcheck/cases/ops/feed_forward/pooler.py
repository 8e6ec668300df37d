"""Cases of tfx/ops/feed_forward/pooler.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, T
from tfx.ops.feed_forward.pooler import pooler_backward, pooler_forward


def pooler(rng: Rng, length: int = T) -> Problem:
    inputs = {"hidden": rng.standard_normal((B, length, C)), "w": 0.4 * rng.standard_normal((C, F))}
    return Problem(pooler_forward, pooler_backward, inputs | {"b": rng.standard_normal(F)})


CASES: tuple[Case, ...] = (
    Case(pooler_backward, "five tokens", pooler),
    Case(pooler_backward, "one token", partial(pooler, length=1)),
)
