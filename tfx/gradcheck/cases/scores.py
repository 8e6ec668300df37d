"""Scores of queries and keys: dot, general, concat, and additive with keys that were projected before."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, D, F, Rng, S, T
from tfx.ops.attention.additive_attention import (
    AdditiveScoresCache,
    AdditiveScoresGrads,
    additive_scores_backward,
    additive_scores_forward,
)
from tfx.ops.attention.general_scores import (
    ConcatScoresGrads,
    DotScoresCache,
    DotScoresGrads,
    GeneralScoresCache,
    GeneralScoresGrads,
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


def additive_scores_ready_keys(rng: Rng, bias: bool = True) -> Problem:
    """Without w_k, and without b: what is left out has no gradient."""
    inputs = {**pair(rng, F), "w_q": rng.standard_normal((D, F)), "v": rng.standard_normal(F)}
    if bias:
        inputs["b"] = rng.standard_normal(F)
    fixed = {"w_k": None} if bias else {"w_k": None, "b": None}
    return Problem(additive_scores_forward, additive_scores_backward, inputs, fixed)


def dot_scores_without_scale(dscores: Any, cache: DotScoresCache) -> DotScoresGrads:
    return dot_scores_backward(dscores, cache._replace(scale=1.0))


def general_scores_one_row(dscores: Any, cache: GeneralScoresCache) -> GeneralScoresGrads:
    """dW is taken from the first row of the batch alone."""
    right = general_scores_backward(dscores, cache)
    dquery = dot_scores_backward(dscores, cache.dot).dq
    return right._replace(dw=cache.query.x[0].T @ dquery[0])


def concat_scores_other_order(dscores: Any, cache: AdditiveScoresCache) -> ConcatScoresGrads:
    """The rows of dW stand as if keys came before queries."""
    right = concat_scores_backward(dscores, cache)
    return right._replace(dw=np.concatenate((right.dw[D:], right.dw[:D])))


def additive_scores_not_summed(dscores: Any, cache: AdditiveScoresCache) -> AdditiveScoresGrads:
    """A key gets the gradient of the first query alone, although every query read it."""
    first = np.zeros_like(dscores)
    first[..., 0, :] = dscores[..., 0, :]
    return additive_scores_backward(dscores, cache)._replace(dk=additive_scores_backward(first, cache).dk)


CASES: tuple[Case, ...] = (
    Case(dot_scores_backward, "unscaled", dot_scores),
    Case(dot_scores_backward, "scaled", partial(dot_scores, scale=0.3)),
    Case(general_scores_backward, "keys of another width", general_scores),
    Case(concat_scores_backward, "keys of another width", concat_scores),
    Case(additive_scores_backward, "keys projected before", additive_scores_ready_keys),
    Case(additive_scores_backward, "keys projected before, no offset", partial(additive_scores_ready_keys, bias=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control("dot_scores", "the scale is forgotten", dot_scores_without_scale, partial(dot_scores, scale=0.3)),
    Control("general_scores", "dW of one row of the batch", general_scores_one_row, general_scores),
    Control("concat_scores", "dW with its two halves swapped", concat_scores_other_order, concat_scores),
    Control("additive_scores", "a key answers one query only", additive_scores_not_summed, additive_scores_ready_keys),
)
