"""Cases of tfx/ops/attention/general_scores.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, C, D, F, Rng, S, T
from tfx.ops.attention.general_scores import (
    concat_scores_backward,
    concat_scores_forward,
    dot_scores_backward,
    dot_scores_forward,
    general_scores_backward,
    general_scores_forward,
)


def pair(rng: Rng, width_k: int) -> dict[str, Any]:
    return {"q": rng.standard_normal((B, T, D)), "k": rng.standard_normal((B, S, width_k))}


def dot_scores(rng: Rng, **fixed: Any) -> Problem:
    return Problem(dot_scores_forward, dot_scores_backward, pair(rng, D), fixed)


def general_scores(rng: Rng) -> Problem:
    inputs = {**pair(rng, C), "w": rng.standard_normal((D, C))}
    return Problem(general_scores_forward, general_scores_backward, inputs)


def concat_scores(rng: Rng) -> Problem:
    inputs = {**pair(rng, C), "w": 0.5 * rng.standard_normal((D + C, F)), "v": rng.standard_normal(F)}
    return Problem(concat_scores_forward, concat_scores_backward, inputs)


CASES: tuple[Case, ...] = (
    Case(dot_scores_backward, "unscaled", dot_scores),
    Case(dot_scores_backward, "scaled", partial(dot_scores, scale=0.3)),
    Case(general_scores_backward, "keys of another width", general_scores),
    Case(concat_scores_backward, "keys of another width", concat_scores),
)
