"""Cases of tfx/nn/token_input.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C
from tfx.gradcheck.cases.sizes import IDS, Rng, S, V
from tfx.nn.embedding import Embedding
from tfx.nn.token_input import TokenInput


def token_input(rng: Rng, kind: str) -> Problem:
    layer = TokenInput(Embedding(V, C, rng), kind, S, rng, dropout=0.2)
    return layer_problem(layer, rng, {"ids": IDS}, dropout_seed=5)


CASES: tuple[Case, ...] = (Case(TokenInput, "learned positions, dropout", partial(token_input, kind="learned")),)
