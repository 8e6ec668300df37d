"""Cases of tfx/efficient/synthesizer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.synthesizer import (
    dense_synthesizer_backward,
    dense_synthesizer_forward,
    random_synthesizer_backward,
    random_synthesizer_forward,
)
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import PADDED, D, F, H, Rng, S, T, heads, off_zero
from tfx.ops.attention.masks import causal_mask

LONGEST = 9


def random_synthesizer(rng: Rng, lead: tuple[int, ...] = (H,), **fixed: Any) -> Problem:
    inputs = {"v": heads(rng)["v"], "scores": rng.standard_normal((*lead, LONGEST, LONGEST))}
    return Problem(random_synthesizer_forward, random_synthesizer_backward, inputs, fixed)


def dense_synthesizer(rng: Rng, lead: tuple[int, ...] = (), **fixed: Any) -> Problem:
    given = heads(rng)
    inputs = {
        "x": given["q"],
        "v": given["v"],
        "w1": rng.standard_normal((*lead, D, F)),
        "b1": off_zero(rng.standard_normal((*lead, 1, F))),
        "w2": rng.standard_normal((*lead, F, LONGEST)),
        "b2": rng.standard_normal((*lead, 1, LONGEST)),
    }
    return Problem(dense_synthesizer_forward, dense_synthesizer_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(random_synthesizer_backward, "of each head", random_synthesizer),
    Case(random_synthesizer_backward, "shared, padded", lambda rng: random_synthesizer(rng, (), mask=PADDED)),
    Case(
        random_synthesizer_backward,
        "last queries, causal",
        lambda rng: random_synthesizer(rng, n_queries=T, mask=causal_mask(T, S, S - T)),
    ),
    Case(dense_synthesizer_backward, "shared", dense_synthesizer),
    Case(dense_synthesizer_backward, "of each head, padded", lambda rng: dense_synthesizer(rng, (H,), mask=PADDED)),
)
