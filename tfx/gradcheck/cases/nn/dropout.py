"""Cases of tfx/nn/dropout.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import sequences
from tfx.gradcheck.cases.sizes import Rng
from tfx.nn.dropout import Dropout


def dropout(rng: Rng) -> Problem:
    return layer_problem(Dropout(0.4), rng, {"x": sequences(rng)}, dropout_seed=5)


CASES: tuple[Case, ...] = (Case(Dropout, "training", dropout),)
