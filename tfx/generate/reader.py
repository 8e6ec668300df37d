"""A reader: a model that has read some tokens, and says what it expects after them.

Every way of writing (greedy, sampling, beams, speculation) needs the same four things of a model: read more tokens,
tell the logits, follow other rows, forget the last tokens.  What a model keeps in between is its own business:

    whole pass       nothing; everything is read again for each token      any model; this is the definition
    stored keys      keys and values of every token (stored_keys.py)       Transformers
    carried state    the last state (carried_state.py)                     recurrent and convolution models

All give the same logits, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, to_numpy, xp_of
from tfx.params import Layer, Parameter, walk

#: What gives logits (B, T, V) for ids (B, T) and tokens of filling (B,) in front of each row, or None for none.
LogitsOf = Callable[[np.ndarray, np.ndarray | None], Array]

#: Room for so many tokens at first; it grows.
FIRST_CAPACITY = 64


class Reader(Protocol):
    """B texts side by side.  length: tokens read so far in each row, filling included."""

    @property
    def length(self) -> int: ...

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        """Forgets everything; now there are n_rows empty texts.

        left_padding: (B,) how many of the first tokens of each row are filling, so that all prompts end together.
        """

    def read(self, ids: np.ndarray, n_last: int | None = None) -> np.ndarray:
        """ids: (B, T), the next tokens -> logits: (B, n_last, V), what is expected after each of the last n_last.

        n_last: T unless told.
        """

    def select(self, rows: Sequence[int] | np.ndarray) -> None:
        """Row i goes on from where row rows[i] is; rows may be left out and may repeat."""

    def back_to(self, length: int) -> None:
        """Forgets all tokens but the first `length`."""


class Texts:
    """What every reader keeps: the ids that were read.  `_logits` is the model's part."""

    def __init__(self) -> None:
        self._storage = np.empty((0, 0), dtype=np.int64)  # (B, capacity); doubled when it is full
        self._length = 0
        self._left_padding: np.ndarray | None = None

    @property
    def length(self) -> int:
        return self._length

    @property
    def _ids(self) -> np.ndarray:
        """(B, T): a view."""
        return self._storage[:, : self._length]

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        whole_number("the number of rows", n_rows, 0)
        if left_padding is not None and np.shape(left_padding) != (n_rows,):
            raise ValueError(f"left padding is {np.shape(left_padding)} but there are {n_rows} rows")
        self._storage, self._length = np.empty((n_rows, FIRST_CAPACITY), dtype=np.int64), 0
        self._left_padding = left_padding

    def read(self, ids: np.ndarray, n_last: int | None = None) -> np.ndarray:
        if ids.ndim != 2 or len(ids) != len(self._storage):
            raise ValueError(f"ids {ids.shape} are not the next tokens of {len(self._storage)} rows")
        self._append(ids)
        n_last = ids.shape[1] if n_last is None else n_last
        if not 0 <= n_last <= self.length:
            raise ValueError(f"logits after the last {n_last} of {self.length} tokens are asked for")
        return to_numpy(self._logits(n_last))

    def _append(self, ids: np.ndarray) -> None:
        start, end = self._length, self._length + ids.shape[1]
        if end > self._storage.shape[1]:
            larger = np.empty((len(ids), max(end, 2 * start)), dtype=np.int64)
            larger[:, :start] = self._ids
            self._storage = larger
        self._storage[:, start:end] = ids
        self._length = end

    def select(self, rows: Sequence[int] | np.ndarray) -> None:
        rows = np.asarray(rows, dtype=np.int64)
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self._storage):
            raise ValueError(f"rows {rows.tolist()} are not all among the {len(self._storage)} of this reader")
        if np.array_equal(rows, np.arange(len(self._storage))):
            return
        self._storage = self._storage[rows]
        self._left_padding = None if self._left_padding is None else self._left_padding[rows]
        self._select(rows)

    def back_to(self, length: int) -> None:
        if not 0 <= length <= self.length:
            raise ValueError(f"a reader of {self.length} tokens cannot go back to {length}")
        self._length = length
        self._back_to(length)

    def _logits(self, n_last: int) -> Array:
        """-> (B, n_last, V), what is expected after each of the last n_last of self._ids."""
        raise NotImplementedError

    def _select(self, rows: np.ndarray) -> None:
        """For what is kept beyond the ids."""

    def _back_to(self, length: int) -> None:
        """For what is kept beyond the ids."""


class WholePass(Texts):
    """Reads everything again for each token.  window: the most tokens that the model can see, None for no limit.

    Beyond the window the model sees the last `window` tokens, with the first of them at place 0.
    """

    def __init__(self, logits_of: LogitsOf, window: int | None = None) -> None:
        super().__init__()
        self._logits_of, self._window = logits_of, window

    def _logits(self, n_last: int) -> Array:
        if self._window is None or self.length <= self._window:
            logits = self._logits_of(self._ids, self._left_padding)
            return logits[:, logits.shape[1] - n_last :]
        ends = range(self.length - n_last + 1, self.length + 1)
        return np.concatenate([self._last_of_window(end, self._window) for end in ends], axis=1)

    def _last_of_window(self, end: int, window: int) -> np.ndarray:
        """-> (B, 1, V), what is expected after token end - 1, from the window that ends there."""
        begin = max(0, end - window)
        padding = None if self._left_padding is None else np.maximum(self._left_padding - begin, 0)
        return to_numpy(self._logits_of(self._ids[:, begin:end], padding)[:, -1:])


def on_device_of(model: Layer, array: Array) -> Array:
    """The array, where the model's parameters are."""
    _, first = next(walk(model, Parameter))
    return xp_of(first.value).asarray(array)


def refuse_padding(left_padding: np.ndarray | None) -> None:
    """For models that cannot skip filling.  Raises ValueError if there is any."""
    if left_padding is not None and left_padding.any():
        raise ValueError("this model cannot skip filling: give it prompts of one length, or one at a time")
