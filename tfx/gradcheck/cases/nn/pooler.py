"""Cases of tfx/nn/pooler.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T
from tfx.nn.pooler import Pooler


def pooler_layer(rng: Rng) -> Problem:
    return layer_problem(Pooler(C, rng), rng, {"hidden": rng.standard_normal((B, T, C))})


CASES: tuple[Case, ...] = (Case(Pooler, "batch of sequences", pooler_layer),)
