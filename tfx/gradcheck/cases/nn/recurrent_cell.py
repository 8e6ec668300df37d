"""Cases of tfx/nn/recurrent_cell.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.params import Layer

WIDTH_IN, WIDTH, PROJECTED = 3, 5, 4


class _OneStep(Layer):
    """A cell that takes one step, as in a decoder."""

    def __init__(self, cell: RecurrentCell) -> None:
        self.cell = cell

    def forward(self, x: Any, **state: Any) -> tuple[Any, Any]:
        after, cache = self.cell.step(x, tuple(state.values()))
        return xp_of(*after).concatenate(after, axis=-1), cache

    def backward(self, dy: Any, cache: Any) -> Any:
        ends = np.cumsum(self.cell.state_widths)[:-1]
        dx, dstate = self.cell.step_backward(tuple(np.split(dy, ends, axis=-1)), cache)
        return (dx, *dstate)


def states(rng: Rng, widths: tuple[int, ...], *lead: int) -> dict[str, Any]:
    return {name: rng.standard_normal((*lead, width)) for name, width in zip(("h0", "c0"), widths, strict=False)}


def cell(rng: Rng, kind: str, **options: Any) -> Problem:
    owner = RecurrentCell(kind, WIDTH_IN, WIDTH, rng, **options)
    inputs = {"x": rng.standard_normal((B, WIDTH_IN)), **states(rng, owner.state_widths, B)}
    return layer_problem(_OneStep(owner), rng, inputs)


CASES: tuple[Case, ...] = (
    Case(RecurrentCell, "rnn, one step", partial(cell, kind="rnn")),
    Case(RecurrentCell, "lstm, one step", partial(cell, kind="lstm", peepholes=True, projection=PROJECTED)),
    Case(RecurrentCell, "gru, one step", partial(cell, kind="gru", linear_before_reset=True)),
)
