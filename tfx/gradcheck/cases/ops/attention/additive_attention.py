"""Cases of tfx/ops/attention/additive_attention.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.attention.general_scores import pair
from tfx.gradcheck.cases.sizes import B, C, D, F, Rng, S, T
from tfx.ops.attention.additive_attention import additive_scores_backward, additive_scores_forward


def additive_scores(rng: Rng) -> Problem:
    inputs = {"q": rng.standard_normal((B, T, D)), "k": rng.standard_normal((B, S, C))}
    inputs |= {"w_q": rng.standard_normal((D, F)), "w_k": rng.standard_normal((C, F))}
    inputs |= {"b": rng.standard_normal(F), "v": rng.standard_normal(F)}
    return Problem(additive_scores_forward, additive_scores_backward, inputs)


def additive_scores_ready_keys(rng: Rng, bias: bool = True) -> Problem:
    """Without w_k, and without b: what is left out has no gradient."""
    inputs = {**pair(rng, F), "w_q": rng.standard_normal((D, F)), "v": rng.standard_normal(F)}
    if bias:
        inputs["b"] = rng.standard_normal(F)
    fixed = {"w_k": None} if bias else {"w_k": None, "b": None}
    return Problem(additive_scores_forward, additive_scores_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(additive_scores_backward, "cross, keys of another width", additive_scores),
    Case(additive_scores_backward, "keys projected before", additive_scores_ready_keys),
    Case(additive_scores_backward, "keys projected before, no offset", partial(additive_scores_ready_keys, bias=False)),
)
