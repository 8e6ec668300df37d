"""Cases of tfx/nn/recurrent.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.joined import apart, join
from tfx.gradcheck.cases.nn.recurrent_cell import states
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.nn.recurrent import GRU, LSTM, RNN, Recurrent
from tfx.params import Layer

STEPS, WIDTH_IN, WIDTH, PROJECTED = 6, 3, 5, 4
LENGTHS = np.array([STEPS, 3])


class _WithStates(Layer):
    """The initial state among the inputs, by name, and the last state at the end of the output."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def forward(self, x: Any, h0: Any, c0: Any = None, **options: Any) -> tuple[Any, Any]:
        state = (h0,) if c0 is None else (h0, c0)
        y, cache = self.layer.forward(x, state, **options)
        return join(y, *cache.last), (cache, y.shape)

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, shape = cache
        dy, *dlast = apart(dy, [shape, *(part.shape for part in inner.last)])
        dx, dstate = self.layer.backward(dy, inner, tuple(dlast))
        return (dx, *dstate)


def layers(rng: Rng, make: Callable[..., Recurrent], dropout: float = 0.0, **options: Any) -> Problem:
    owner = make(WIDTH_IN, WIDTH, rng, dropout=dropout, **options)
    cells = sum(map(len, owner.layers))
    inputs = {"x": rng.standard_normal((B, STEPS, WIDTH_IN))}
    inputs |= states(rng, owner.layers[0][0].state_widths, cells, B)
    seed = 5 if dropout else None
    return layer_problem(_WithStates(owner), rng, inputs, {"lengths": LENGTHS}, dropout_seed=seed, directions=1)


CASES: tuple[Case, ...] = (
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
