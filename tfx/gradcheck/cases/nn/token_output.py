"""Cases of tfx/nn/token_output.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import Rng, V
from tfx.nn.embedding import Embedding
from tfx.nn.token_output import TokenOutput


def token_output(rng: Rng, tied: bool) -> Problem:
    return layer_problem(TokenOutput(Embedding(V, C, rng), V, tied, rng), rng, {"x": sequences(rng)})


CASES: tuple[Case, ...] = (
    Case(TokenOutput, "tied", partial(token_output, tied=True)),
    Case(TokenOutput, "its own map", partial(token_output, tied=False)),
)
