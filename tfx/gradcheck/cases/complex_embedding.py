"""Words as waves."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import D, Rng, V
from tfx.nn.complex_embedding import ComplexEmbedding
from tfx.ops.positions.complex_embedding import (
    ComplexEmbeddingCache,
    ComplexEmbeddingGrads,
    complex_embedding_backward,
    complex_embedding_forward,
)

IDS = np.array([[3, 3, 0, 7, 1], [6, 3, 2, 2, 5]])


def complex_embedding(rng: Rng) -> Problem:
    tables = {name: rng.standard_normal((V, D)) for name in ("amplitude", "frequency", "phase")}
    return Problem(complex_embedding_forward, complex_embedding_backward, tables, {"ids": IDS, "start": 2})


def layer(rng: Rng) -> Problem:
    return layer_problem(ComplexEmbedding(V, 2 * D, rng), rng, {"ids": IDS}, {"start": 2})


def complex_embedding_turned_the_wrong_way(dy: Any, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    """cos' is taken for + sin."""
    return complex_embedding_backward(dy, cache._replace(sines=-cache.sines))


def complex_embedding_position_forgotten(dy: Any, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    return complex_embedding_backward(dy, cache._replace(positions=np.ones_like(cache.positions)))


CASES: tuple[Case, ...] = (
    Case(complex_embedding_backward, "repeated ids, starting at 2", complex_embedding),
    Case(ComplexEmbedding, "repeated ids, starting at 2", layer),
)

CONTROLS: tuple[Control, ...] = (
    Control("complex_embedding", "cos' = + sin", complex_embedding_turned_the_wrong_way, complex_embedding),
    Control("complex_embedding", "the position is left out", complex_embedding_position_forgotten, complex_embedding),
)
