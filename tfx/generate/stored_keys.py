"""Readers that keep the keys and values of every token, in preallocated buffers (nn/key_value_buffer.py).

Reading one more token costs the maps of one token and one look at everything stored, instead of everything anew.

A text that outgrows max_len: the model sees its last max_len tokens, so with every new token all places shift by one.
Keys and values of other places are of no use then, and each token costs a whole pass over the window.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.generate.reader import FIRST_CAPACITY, LogitsOf, Texts, WholePass, on_device_of, refuse_padding
from tfx.models import DecoderOnly, EncoderDecoder
from tfx.nn.key_value_buffer import KeyValueBuffer, buffers_for
from tfx.ops.attention.key_value import StoredKeyValue


class StoredDecoder(WholePass):
    """A DecoderOnly with keys and values for up to max_len tokens."""

    def __init__(self, model: DecoderOnly) -> None:
        self._capacity: int = model.settings.max_len
        super().__init__(logits_of(model), self._capacity)
        self._model = model
        self._past: tuple[Any, ...] = ()

    @property
    def stored(self) -> tuple[StoredKeyValue, ...]:
        """What is kept between two calls of read, one for each block."""
        return self._past

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        super().begin(n_rows, left_padding)
        self._past = buffers_for(self._model.stack.blocks, n_rows, self._capacity)

    def _logits(self, n_last: int) -> Array:
        if not self._past or self.length > self._capacity:
            self._back_to(0)  # every place shifts: what is stored is of no use
            return super()._logits(n_last)
        read = min(self._past[0].seen, self.length - n_last)
        self._back_to(read)
        padding = None if self._left_padding is None else on_device_of(self._model, self._left_padding)
        ids = on_device_of(self._model, self._ids[:, read:])
        logits, cache = self._model.forward(ids, past=self._past, left_padding=padding)
        self._past = cache.stack.present
        return logits[:, logits.shape[1] - n_last :]

    def _select(self, rows: np.ndarray) -> None:
        self._past = tuple(buffer.select(rows) for buffer in self._past)

    def _back_to(self, length: int) -> None:
        self._past = tuple(buffer.back_to(min(length, buffer.seen)) for buffer in self._past)


class StoredTranslation(Texts):
    """An EncoderDecoder that writes about sources, one for each row.

    Keys and values of the target stand in buffers; those of the source are made once, when the first token is read.
    src: (B, S) integers.  src_lengths: (B,) real tokens.
    """

    def __init__(self, model: EncoderDecoder, src: Array, src_lengths: Array | None = None) -> None:
        super().__init__()
        self._model = model
        self._lengths = None if src_lengths is None else np.asarray(src_lengths)
        self._memory, self._source = model.encode(on_device_of(model, src), self._lengths)
        self._about = np.arange(len(self._memory))  # which source each row is about
        self._past: tuple[Any, ...] = ()
        self._memory_past: tuple[Any, ...] | None = None

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        check_sources(n_rows, len(self._about))
        refuse_padding(left_padding)
        super().begin(n_rows)
        self._past = buffers_for(self._model.decoder.blocks, n_rows, FIRST_CAPACITY, grows=True)

    def _logits(self, n_last: int) -> Array:
        read = min(self._past[0].seen, self.length - n_last)
        self._back_to(read)
        ids = on_device_of(self._model, self._ids[:, read:])
        about = (self._memory, self._source, self._lengths)
        logits, cache = self._model.decode(ids, *about, past=self._past, memory_past=self._memory_past)
        self._past = cache.stack.present
        if self._memory_past is None:
            self._memory_past = tuple(KeyValueBuffer.holding(stored) for stored in cache.stack.memory_present)
        return logits[:, logits.shape[1] - n_last :]

    def _select(self, rows: np.ndarray) -> None:
        self._past = tuple(buffer.select(rows) for buffer in self._past)
        before, self._about = self._about, self._about[rows]
        if np.array_equal(before, self._about):  # hypotheses about one source changed places: the source is the same
            return
        self._memory = self._memory[rows]
        self._lengths = None if self._lengths is None else self._lengths[rows]
        if self._memory_past is not None:
            self._memory_past = tuple(stored.select(rows) for stored in self._memory_past)

    def _back_to(self, length: int) -> None:
        self._past = tuple(buffer.back_to(min(length, buffer.seen)) for buffer in self._past)


def logits_of(model: DecoderOnly) -> LogitsOf:
    """A whole pass of the model."""

    def whole_pass(ids: np.ndarray, left_padding: np.ndarray | None) -> Array:
        padding = None if left_padding is None else on_device_of(model, left_padding)
        return model.forward(on_device_of(model, ids), left_padding=padding)[0]

    return whole_pass


def check_sources(n_rows: int, n_sources: int) -> None:
    """Raises ValueError unless there is one source for each row."""
    if n_rows != n_sources:
        raise ValueError(f"{n_rows} texts do not fit {n_sources} sources")
