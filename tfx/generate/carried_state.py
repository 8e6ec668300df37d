"""A reader that keeps a state of fixed size: for recurrent and convolution models, whose state is all they remember."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.generate.reader import Texts, on_device_of, refuse_padding
from tfx.models import ConvolutionDecoder, RecurrentLanguageModel
from tfx.params import Layer

#: (ids, state or None at the start) -> logits, state.
Step = Callable[[Array, Any], tuple[Array, Any]]


class CarriedState(Texts):
    """A model whose `step` carries a state, a tuple of arrays, from one piece to the next.

    batch_axis: of those arrays.  The state after each piece is kept, so going back costs at most one piece again.
    """

    def __init__(self, model: Layer, step: Step, batch_axis: int) -> None:
        super().__init__()
        self._model, self._step, self._batch_axis = model, step, batch_axis
        self._states: list[tuple[int, Any]] = [(0, None)]  # (tokens read, state)

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        refuse_padding(left_padding)
        super().begin(n_rows)
        self._states = [(0, None)]

    def _logits(self, n_last: int) -> Array:
        self._back_to(self.length - n_last)
        read, state = self._states[-1]
        logits, state = self._step(on_device_of(self._model, self._ids[:, read:]), state)
        self._states.append((self.length, state))
        return logits[:, logits.shape[1] - n_last :]

    def _select(self, rows: np.ndarray) -> None:
        index = (slice(None),) * self._batch_axis + (on_device_of(self._model, rows),)
        self._states = [
            (read, None if state is None else tuple(part[index] for part in state)) for read, state in self._states
        ]

    def _back_to(self, length: int) -> None:
        self._states = [(read, state) for read, state in self._states if read <= length]


def recurrent_reader(model: RecurrentLanguageModel) -> CarriedState:
    """Carries the hidden state, and the cell's where there is one."""

    def step(ids: Array, state: Any) -> tuple[Array, Any]:
        logits, cache = model.forward(ids, state=state)
        return logits, cache.last

    return CarriedState(model, step, batch_axis=1)


def convolution_reader(model: ConvolutionDecoder) -> CarriedState:
    """Carries the last (K - 1) dilation places of each block."""

    def step(ids: Array, states: Any) -> tuple[Array, Any]:
        logits, cache = model.forward(ids, states)
        return logits, cache.states

    return CarriedState(model, step, batch_axis=0)
