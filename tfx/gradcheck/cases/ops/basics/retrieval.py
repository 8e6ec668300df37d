"""Cases of tfx/ops/basics/retrieval.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.basics.retrieval import retrieval_scores_backward, retrieval_scores_forward

K, D = 4, 3


def scores(rng: Rng, scale: float = 1.0) -> Problem:
    inputs = {"queries": rng.standard_normal((B, D)), "documents": rng.standard_normal((B, K, D))}
    return Problem(retrieval_scores_forward, retrieval_scores_backward, inputs, {"scale": scale})


CASES: tuple[Case, ...] = (
    Case(retrieval_scores_backward, "some documents for each question", scores),
    Case(retrieval_scores_backward, "scaled", partial(scores, scale=0.3)),
)
