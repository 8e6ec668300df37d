"""Recurrent cells and layers: every output and the last state are read, and the initial state is an input."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import Rng
from tfx.nn.recurrent import GRU, LSTM, RNN, Recurrent
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.params import Layer

B, STEPS, WIDTH_IN, WIDTH, PROJECTED = 2, 6, 3, 5, 4
LENGTHS = np.array([STEPS, 3])


class _WithStates(Layer):
    """The initial state among the inputs, by name, and the last state at the end of the output."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, x: Any, h0: Any, c0: Any = None, **options: Any) -> tuple[Any, Any]:
        state = (h0,) if c0 is None else (h0, c0)
        y, cache = self.layer.forward(x, state, **options)
        return xp_of(y).concatenate([part.reshape(-1) for part in (y, *cache.last)]), (cache, y.shape)

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, shape = cache
        shapes = [shape, *(part.shape for part in inner.last)]
        ends = np.cumsum([int(np.prod(s)) for s in shapes])
        dy, *dlast = (part.reshape(s) for part, s in zip(np.split(dy, ends[:-1]), shapes, strict=True))
        dx, dstate = self.layer.backward(dy, inner, tuple(dlast))
        return (dx, *dstate)


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


def layers(rng: Rng, make: Callable[..., Recurrent], dropout: float = 0.0, **options: Any) -> Problem:
    owner = make(WIDTH_IN, WIDTH, rng, dropout=dropout, **options)
    cells = sum(map(len, owner.layers))
    inputs = {"x": rng.standard_normal((B, STEPS, WIDTH_IN))}
    inputs |= states(rng, owner.layers[0][0].state_widths, cells, B)
    seed = 5 if dropout else None
    return layer_problem(_WithStates(owner), rng, inputs, {"lengths": LENGTHS}, dropout_seed=seed, directions=1)


CASES: tuple[Case, ...] = (
    Case(RecurrentCell, "rnn, one step", partial(cell, kind="rnn")),
    Case(RecurrentCell, "lstm, one step", partial(cell, kind="lstm", peepholes=True, projection=PROJECTED)),
    Case(RecurrentCell, "gru, one step", partial(cell, kind="gru", linear_before_reset=True)),
    Case(Recurrent, "gru, three layers", partial(layers, make=partial(Recurrent, "gru"), n_layers=3)),
    Case(
        RNN,
        "two layers, both directions, dropout",
        partial(layers, make=RNN, n_layers=2, bidirectional=True, dropout=0.3),
    ),
    Case(
        LSTM,
        "two layers, both directions, dropout",
        partial(layers, make=LSTM, n_layers=2, bidirectional=True, dropout=0.3),
    ),
    Case(LSTM, "projection, both directions", partial(layers, make=LSTM, bidirectional=True, projection=PROJECTED)),
    Case(
        GRU,
        "two layers, both directions, dropout",
        partial(layers, make=GRU, n_layers=2, bidirectional=True, dropout=0.3),
    ),
)
