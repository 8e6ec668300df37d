"""Cases of tfx/nn/complex_embedding.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import IDS, D, Rng, V
from tfx.nn.complex_embedding import ComplexEmbedding


def layer(rng: Rng) -> Problem:
    return layer_problem(ComplexEmbedding(V, 2 * D, rng), rng, {"ids": IDS}, {"start": 2})


CASES: tuple[Case, ...] = (Case(ComplexEmbedding, "repeated ids, starting at 2", layer),)
