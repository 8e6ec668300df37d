"""Three readers for the benchmark `decode`: keys and values in buffers, in arrays that grow, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx.generate import Reader, WholePass
from tfx.generate.stored_keys import StoredDecoder, logits_of
from tfx.measure.counting_array import counting_in
from tfx.models import GPT
from tfx.nn.key_value_buffer import buffers_for
from tfx.ops.attention.key_value import KeyValue

WAYS = ("stored", "joined", "recomputed")


class Joined(StoredDecoder):
    """Keys and values in arrays of just the right size: each token copies them all (KeyValue.followed_by)."""

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        super().begin(n_rows, left_padding)
        self._past = tuple(KeyValue(each.k, each.v) for each in buffers_for(self._model.stack.blocks, n_rows, 0))

    def _back_to(self, length: int) -> None:
        self._past = tuple(KeyValue(each.k[:, :, :length], each.v[:, :, :length]) for each in self._past)


def reader(model: GPT, way: str) -> Reader:
    if way == "recomputed":
        return WholePass(logits_of(model), model.config["max_len"])
    return StoredDecoder(model) if way == "stored" else Joined(model)


def after(fresh: Reader, ids: np.ndarray) -> Reader:
    """The reader, when it has read ids: (1, n) but for the last."""
    fresh.begin(1)
    fresh.read(ids[:, :-1], 1)
    return fresh


def one_token(reader: Reader, ids: np.ndarray) -> np.ndarray:
    """Reads one token more, and forgets it again, so that the next call finds the same.  -> logits: (V,)."""
    length = reader.length
    logits = reader.read(ids[:, length : length + 1], 1)[0, -1]
    logits.argmax()
    reader.back_to(length)
    return logits


def stored_in(reader: Reader) -> Sequence[Any]:
    assert isinstance(reader, StoredDecoder)
    return reader.stored


def multiply_adds(model: GPT, way: str, ids: np.ndarray) -> int:
    """Those of the products that the last of ids: (1, n) takes."""
    prepared = after(reader(model, way), ids)
    with counting_in(model) as counted:
        one_token(prepared, ids)
        return counted.multiply_adds
