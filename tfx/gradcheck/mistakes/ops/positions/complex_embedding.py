"""Known mistakes in tfx/ops/positions/complex_embedding.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.complex_embedding import complex_embedding
from tfx.gradcheck.mistake import Mistake
from tfx.ops.positions.complex_embedding import ComplexEmbeddingCache, ComplexEmbeddingGrads, complex_embedding_backward


def complex_embedding_turned_the_wrong_way(dy: Any, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    """cos' is taken for + sin."""
    return complex_embedding_backward(dy, cache._replace(sines=-cache.sines))


def complex_embedding_position_forgotten(dy: Any, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    return complex_embedding_backward(dy, cache._replace(positions=np.ones_like(cache.positions)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="complex_embedding",
        name="cosine-sign",
        says="cos' = + sin",
        why="Sine and cosine are derivatives of each other only up to a sign, and the sign is easily lost.",
        hint="Is the cosine rising or falling just to the right of 0?",
        problem=complex_embedding,
        wrong_backward=complex_embedding_turned_the_wrong_way,
    ),
    Mistake(
        op="complex_embedding",
        name="position-forgotten",
        says="the position is left out",
        why="The angle is thought of as frequency plus phase, although the frequency is multiplied with the position.",
        hint="By what is the frequency multiplied before the phase is added?",
        problem=complex_embedding,
        wrong_backward=complex_embedding_position_forgotten,
    ),
)
