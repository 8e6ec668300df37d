"""One recurrence with its weights: a simple recurrent network, an LSTM or a GRU behind one call shape.

    forward(x, state)  runs along a sequence (B, T, I); step(x_t, state) takes one step (B, I), as a decoder needs it
    state              a tuple of arrays (B, .): (h,), or (h, c) for the LSTM; zeros where there is none

W_x starts with Xavier, block by block; W_h with orthogonal blocks, whose powers neither shrink nor grow a vector
(Saxe, McClelland and Ganguli 2014); offsets with zero, but 1 for the LSTM's forget gate, so that it starts by
remembering (Gers, Schmidhuber and Cummins 2000; Jozefowicz, Zaremba and Sutskever 2015, section 2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.init import Rng, xavier_uniform
from tfx.ops.recurrence.gru import gru_backward, gru_forward
from tfx.ops.recurrence.lstm import lstm_backward, lstm_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward
from tfx.ops.recurrence.through_time import State
from tfx.params import Layer, Parameter


class Kind(NamedTuple):
    """What tells the cells apart."""

    forward: Callable[..., tuple[Array, Any]]
    backward: Callable[..., Any]
    n_blocks: int  # blocks of weights, side by side
    state: tuple[str, ...]  # the parts of the state, as the operation calls them
    settings: tuple[str, ...]  # further settings of the operation


CELLS = {
    "rnn": Kind(rnn_forward, rnn_backward, 1, ("h0",), ("activation", "clip")),
    "lstm": Kind(lstm_forward, lstm_backward, 4, ("h0", "c0"), ("clip",)),
    "gru": Kind(gru_forward, gru_backward, 3, ("h0",), ("linear_before_reset", "clip")),
}


class RecurrentCell(Layer):
    """cell: "rnn", "lstm" or "gru".  Owns w_x: (I, nC), w_h: (R, nC) and b: (nC,), n = 1, 4 or 3 blocks.

    recurrent_bias: owns b_h: (nC,) too; off unless told, but on for a GRU with linear_before_reset, where b_h is no
    repetition of b.  For the LSTM: peepholes: (3, C), from zero; projection: the width R of h, C unless given.
    settings: activation ("tanh", "relu") of the rnn, linear_before_reset of the gru, clip (see ops/).
    Raises ValueError for an unknown cell and for a setting that this cell does not have.
    """

    def __init__(
        self,
        cell: str,
        width_in: int,
        width: int,
        rng: Rng,
        bias: bool = True,
        recurrent_bias: bool | None = None,
        peepholes: bool = False,
        projection: int | None = None,
        dtype: Any = "float32",
        **settings: Any,
    ) -> None:
        if cell not in CELLS:
            raise ValueError(f"cell must be one of {', '.join(CELLS)}, not {cell!r}")
        kind = CELLS[cell]
        unknown = sorted(settings.keys() - set(kind.settings))
        if unknown or (cell != "lstm" and (peepholes or projection is not None)):
            raise ValueError(
                f"a cell of kind {cell!r} has no setting {', '.join(unknown) or 'peepholes or projection'}"
            )
        self.cell, self.settings = cell, settings
        recurrent_bias = settings.get("linear_before_reset", False) if recurrent_bias is None else recurrent_bias
        width_out = width if projection is None else projection
        self.state_widths = (width_out, width)[: len(kind.state)]  # the first is the width of the output
        blocks, offsets = range(kind.n_blocks), kind.n_blocks * width
        self.w_x = Parameter(np.concatenate([xavier_uniform(rng, width_in, width, dtype) for _ in blocks], axis=1))
        self.w_h = Parameter(np.concatenate([orthogonal(rng, width_out, width, dtype) for _ in blocks], axis=1))
        self.b = Parameter(np.zeros(offsets, dtype=dtype)) if bias else None
        self.b_h = Parameter(np.zeros(offsets, dtype=dtype)) if bias and recurrent_bias else None
        self.peepholes = Parameter(np.zeros((3, width), dtype=dtype)) if peepholes else None
        self.w_r = None if projection is None else Parameter(xavier_uniform(rng, width, projection, dtype))
        if cell == "lstm" and self.b is not None:
            self.b.value[width : 2 * width] = 1  # f: start by remembering

    def zero_state(self, x: Array) -> State:
        """Zeros (B, .) with the batch, dtype and device of x."""
        xp = xp_of(x)
        return tuple(xp.zeros((x.shape[0], width), dtype=x.dtype) for width in self.state_widths)

    def forward(
        self, x: Array, state: State | None = None, lengths: Any = None, reverse: bool = False
    ) -> tuple[Array, Any]:
        """x: (B, T, I) -> y: (B, T, R), cache; cache.last is the last state.

        lengths: (B,), a row holds its state after its end.  reverse: from the last place to the first.
        """
        state = self.zero_state(x) if state is None else state
        weights = {name: parameter.value for name, parameter in self.parameters().items()}
        return CELLS[self.cell].forward(x, *state, **weights, **self.settings, lengths=lengths, reverse=reverse)

    def backward(self, dy: Array, cache: Any, dlast: State | None = None) -> tuple[Array, State]:
        """dy: (B, T, R) -> dx: (B, T, I), and the gradient of the initial state.

        dlast: a further gradient that arrives at cache.last, part by part.
        """
        kind = CELLS[self.cell]
        grads = kind.backward(dy, cache, dlast)
        for name, parameter in self.parameters().items():
            parameter.grad += getattr(grads, f"d{name}")
        return grads.dx, tuple(getattr(grads, f"d{name}") for name in kind.state)

    def step(self, x: Array, state: State) -> tuple[State, Any]:
        """x: (B, I) -> the next state, cache: a sequence of one step."""
        _, cache = self.forward(x[:, None], state)
        return cache.last, cache

    def step_backward(self, dstate: State, cache: Any) -> tuple[Array, State]:
        """dstate: the gradient of the next state -> dx: (B, I), the gradient of the state before."""
        nothing = xp_of(dstate[0]).zeros_like(dstate[0])  # the output was not read beside the state
        dx, dbefore = self.backward(nothing[:, None], cache, dstate)
        return dx[:, 0], dbefore


def orthogonal(rng: Rng, rows: int, columns: int, dtype: Any) -> np.ndarray:
    """(rows, columns) with orthonormal rows or columns, whichever are fewer, drawn uniformly."""
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # LAPACK's signs are a convention; without it the draw is uniform
    return (q if rows >= columns else q.T).astype(dtype)
