"""Cases of tfx/nn/positions.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import WIDE, C, sequences
from tfx.gradcheck.cases.sizes import B, D, F, Rng, S, T
from tfx.nn.positions import ConcatPositions, Positions


def positions(rng: Rng, kind: str) -> Problem:
    return layer_problem(Positions(kind, S, C, rng), rng, {"x": sequences(rng)})


def frequencies(rng: Rng) -> Problem:
    return layer_problem(Positions("frequencies", S, 8, rng), rng, {"x": rng.standard_normal((B, T, 8))}, {"start": 2})


def concat_layer(rng: Rng, kind: str) -> Problem:
    return layer_problem(ConcatPositions(kind, S, F, rng), rng, {"x": rng.standard_normal((B, T, WIDE))}, {"start": 1})


def positions_by_row(rng: Rng, kind: str) -> Problem:
    layer = Positions(kind, S, 2 * D, rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 2 * D))}, {"start": np.array([S - T, -2])})


CASES: tuple[Case, ...] = (
    Case(Positions, "learned", partial(positions, kind="learned")),
    Case(Positions, "sinusoidal", partial(positions, kind="sinusoidal")),
    Case(Positions, "learned frequencies", frequencies),
    Case(ConcatPositions, "learned", partial(concat_layer, kind="learned")),
    Case(ConcatPositions, "sinusoidal", partial(concat_layer, kind="sinusoidal")),
    Case(Positions, "learned, a place for each row", partial(positions_by_row, kind="learned")),
    Case(Positions, "frequencies, a place for each row", partial(positions_by_row, kind="frequencies")),
    Case(Positions, "sinusoidal, a place for each row", partial(positions_by_row, kind="sinusoidal")),
)
