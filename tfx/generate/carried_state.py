"""A reader that keeps a state of fixed size: for recurrent and convolution models, whose state is all they remember."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.generate.reader import Texts, on_device_of, refuse_padding


class CarriedState(Texts):
    """A model whose step(ids, state) -> logits, state carries a state, a tuple of arrays, from one piece to the next.

    state: None at the start; `model.batch_axis` is the axis of the rows in its arrays.
    The state after each piece is kept, so going back costs at most one piece again.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model: Any = model
        self._states: list[tuple[int, Any]] = [(0, None)]  # (tokens read, state)

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        refuse_padding(left_padding)
        super().begin(n_rows)
        self._states = [(0, None)]

    def _logits(self, n_last: int) -> Array:
        self._back_to(self.length - n_last)
        read, state = self._states[-1]
        logits, state = self._model.step(on_device_of(self._model, self._ids[:, read:]), state)
        self._states.append((self.length, state))
        return logits[:, logits.shape[1] - n_last :]

    def _select(self, rows: np.ndarray) -> None:
        index = (slice(None),) * self._model.batch_axis + (on_device_of(self._model, rows),)
        self._states = [
            (read, None if state is None else tuple(part[index] for part in state)) for read, state in self._states
        ]

    def _back_to(self, length: int) -> None:
        self._states = [(read, state) for read, state in self._states if read <= length]
