"""Recurrent layers: RNN, LSTM and GRU on top of each other, in one direction or in both.

    one layer, both directions     y_t = [forward h_t ; backward h_t]         (B, T, I) -> (B, T, 2R)
    several layers                 each reads the outputs of the one below, with dropout in between

The backward direction is the same recurrence from the last place to the first (of each row's own length), with weights
of its own.  Both directions read the same x, so dx is the sum of what they send back.
Sources: Schuster and Paliwal 1997, "Bidirectional Recurrent Neural Networks"; dropout between layers but never along
time: Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.nn.dropout import Dropout
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.recurrence.through_time import State
from tfx.params import Layer


class RecurrentCache(NamedTuple):
    layers: tuple[tuple[Any, ...], ...]  # layers[l][d]: the cache of direction d
    dropouts: tuple[DropoutCache, ...]  # after each layer but the last

    @property
    def last(self) -> State:
        """The last state, each part (L * directions, B, .): layer by layer, in it forward before backward."""
        caches = [cache for layer in self.layers for cache in layer]
        xp = xp_of(caches[0].last[0])
        return tuple(xp.stack(parts) for parts in zip(*(cache.last for cache in caches), strict=True))


class Recurrent(Layer):
    """cell: "rnn", "lstm" or "gru"; `options` go to every cell (nn/recurrent_cell.py): bias, peepholes, ...

    Owns layers[l][d], a cell each.  Raises ValueError for fewer than one layer.
    """

    def __init__(
        self,
        cell: str,
        width_in: int,
        width: int,
        rng: np.random.Generator,
        n_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        dtype: Any = "float32",
        **options: Any,
    ) -> None:
        if n_layers < 1:
            raise ValueError(f"a recurrent network needs at least one layer, not {n_layers}")
        directions = 2 if bidirectional else 1
        self.layers = []
        for _ in range(n_layers):
            layer = [RecurrentCell(cell, width_in, width, rng, dtype=dtype, **options) for _ in range(directions)]
            self.layers.append(layer)
            width_in = directions * layer[0].state_widths[0]
        self.width_out = width_in
        self.dropout = Dropout(dropout)

    def forward(
        self, x: Array, state: State | None = None, lengths: Any = None, rng: Any = None
    ) -> tuple[Array, RecurrentCache]:
        """x: (B, T, I) -> y: (B, T, directions * R), cache.

        state: the initial state, laid out as cache.last; zeros unless given.  lengths: (B,), real places in each row.
        rng: dropout in training, None in evaluation.
        """
        xp = xp_of(x)
        layers, dropouts = [], []
        for number, cells in enumerate(self.layers):
            if number:
                x, dropped = self.dropout.forward(x, rng)
                dropouts.append(dropped)
            outputs, caches = [], []
            for direction, cell in enumerate(cells):
                index = number * len(cells) + direction
                begin = None if state is None else tuple(part[index] for part in state)
                y, cache = cell.forward(x, begin, lengths, reverse=direction == 1)
                outputs.append(y)
                caches.append(cache)
            x = xp.concatenate(outputs, axis=-1)
            layers.append(tuple(caches))
        return x, RecurrentCache(tuple(layers), tuple(dropouts))

    def backward(self, dy: Array, cache: RecurrentCache, dlast: State | None = None) -> tuple[Array, State]:
        """dy: (B, T, directions * R) -> dx: (B, T, I), and the gradient of the initial state, laid out as cache.last.

        dlast: a further gradient that arrives at cache.last.
        """
        xp = xp_of(dy)
        dstates: list[State] = []
        for number in range(len(self.layers) - 1, -1, -1):
            cells = self.layers[number]
            width = dy.shape[-1] // len(cells)
            dx: Array = 0
            dlayer = []
            for direction, cell in enumerate(cells):
                index = number * len(cells) + direction
                darriving = None if dlast is None else tuple(part[index] for part in dlast)
                part = dy[..., direction * width : (direction + 1) * width]  # y = [forward ; backward]
                dread, dstate = cell.backward(part, cache.layers[number][direction], darriving)
                dx = dx + dread  # both directions read x
                dlayer.append(dstate)
            dstates = dlayer + dstates
            dy = self.dropout.backward(dx, cache.dropouts[number - 1]) if number else dx
        return dy, tuple(xp.stack(parts) for parts in zip(*dstates, strict=True))


class RNN(Recurrent):
    """Simple recurrent layers.  activation: "tanh" or "relu"."""

    def __init__(
        self, width_in: int, width: int, rng: np.random.Generator, activation: str = "tanh", **options: Any
    ) -> None:
        super().__init__("rnn", width_in, width, rng, activation=activation, **options)


class LSTM(Recurrent):
    """LSTM layers; the state is (h, c)."""

    def __init__(self, width_in: int, width: int, rng: np.random.Generator, **options: Any) -> None:
        super().__init__("lstm", width_in, width, rng, **options)


class GRU(Recurrent):
    """GRU layers.  linear_before_reset: False = the paper's, True = cuDNN's and PyTorch's."""

    def __init__(
        self, width_in: int, width: int, rng: np.random.Generator, linear_before_reset: bool = False, **options: Any
    ) -> None:
        super().__init__("gru", width_in, width, rng, linear_before_reset=linear_before_reset, **options)
