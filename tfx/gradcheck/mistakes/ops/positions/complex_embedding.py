"""Known mistakes in tfx/ops/positions/complex_embedding.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.complex_embedding import complex_embedding
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.positions.complex_embedding import ComplexEmbeddingCache, ComplexEmbeddingGrads, complex_embedding_backward


@wrong_backward(complex_embedding)
def cosine_sign(dy: Any, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    """cos' = + sin.

    Why: Sine and cosine are derivatives of each other up to a sign, and which of the two brings the sign is mixed up.
    Hint: Is the cosine rising or falling just to the right of 0?
    """
    return complex_embedding_backward(dy, cache._replace(sines=-cache.sines))


@wrong_backward(complex_embedding)
def position_forgotten(dy: Any, cache: ComplexEmbeddingCache) -> ComplexEmbeddingGrads:
    """The position is left out.

    Why: The angle is thought of as frequency plus phase, although the frequency is multiplied with the position.
    Hint: By what is the frequency multiplied before the phase is added?
    """
    return complex_embedding_backward(dy, cache._replace(positions=np.ones_like(cache.positions)))
