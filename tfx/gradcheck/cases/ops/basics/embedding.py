"""Cases of tfx/ops/basics/embedding.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, V
from tfx.ops.basics.embedding import embedding_backward, embedding_forward, tied_logits_backward, tied_logits_forward


def embedding(rng: Rng, repeated: bool = False) -> Problem:
    ids = np.array([[3, 3, 0], [3, 1, 3]]) if repeated else rng.permutation(V)[: B * 3].reshape(B, 3)
    return Problem(embedding_forward, embedding_backward, {"table": rng.standard_normal((V, C))}, {"ids": ids})


def tied_logits(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((V, C))}
    return Problem(tied_logits_forward, tied_logits_backward, inputs)


CASES: tuple[Case, ...] = (
    Case(embedding_backward, "different ids", embedding),
    Case(embedding_backward, "one id four times", partial(embedding, repeated=True)),
    Case(tied_logits_backward, "batch of sequences", tied_logits),
)
