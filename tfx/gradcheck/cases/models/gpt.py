"""Cases of tfx/models/gpt.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.gpt import GPT


def gpt(rng: Rng) -> Problem:
    return layer_problem(GPT(V, 6, 3, 11, 2, 9, dropout=0.2), rng, {"ids": IDS}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (Case(GPT, "dropout", gpt),)
