"""Cases of tfx/ops/positions/complex_embedding.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import IDS, D, Rng, V
from tfx.ops.positions.complex_embedding import complex_embedding_backward, complex_embedding_forward


def complex_embedding(rng: Rng) -> Problem:
    tables = {name: rng.standard_normal((V, D)) for name in ("amplitude", "frequency", "phase")}
    return Problem(complex_embedding_forward, complex_embedding_backward, tables, {"ids": IDS, "start": 2})


CASES: tuple[Case, ...] = (Case(complex_embedding_backward, "repeated ids, starting at 2", complex_embedding),)
