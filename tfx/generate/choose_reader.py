"""Which reader a model gets: the one that repeats the least work and still says what a whole pass says."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from tfx.backend import Array
from tfx.generate.carried_state import CarriedState
from tfx.generate.reader import Reader, WholePass, refuse_padding
from tfx.generate.stored_keys import StoredDecoder, StoredTranslation, check_sources, logits_of


class Translator(Protocol):
    """A model that writes about a source: EncoderDecoder and RecurrentSeq2Seq are."""

    def encode(self, src: Array, src_lengths: Array | None = None) -> tuple[Array, Any]: ...

    def decode(self, tgt: Array, memory: Array, source: Any, src_lengths: Array | None = None) -> tuple[Array, Any]: ...


class WholeTranslation(WholePass):
    """Any Translator: the source is encoded once, the target is read again for each token."""

    def __init__(self, model: Translator, src: Array, src_lengths: Array | None = None) -> None:
        super().__init__(lambda ids, _: self._model.decode(ids, *self._encoded, self._lengths)[0])
        self._model, self._src, self._lengths = model, np.asarray(src), src_lengths
        self._encoded = model.encode(self._src, src_lengths)

    def begin(self, n_rows: int, left_padding: np.ndarray | None = None) -> None:
        check_sources(n_rows, len(self._src))
        refuse_padding(left_padding)
        super().begin(n_rows)

    def _select(self, rows: np.ndarray) -> None:
        self._src = self._src[rows]
        self._lengths = None if self._lengths is None else np.asarray(self._lengths)[rows]
        self._encoded = self._model.encode(self._src, self._lengths)


def reader_of(model: Any) -> Reader:
    """The reader for a language model; a reader is returned as it is.

    A model says what it remembers (`Model.remembers`): a state, or keys and values where it `stores_keys`; else
    everything is read again for each token.
    Raises TypeError for anything else; a model that needs a source gets its reader from `translation_of`.
    """
    remembers = getattr(model, "remembers", None)
    if remembers == "keys":
        return StoredDecoder(model) if model.stores_keys else WholePass(logits_of(model), model.settings.max_len)
    if remembers == "state":
        return CarriedState(model)
    if all(hasattr(model, name) for name in ("begin", "read", "select", "back_to")):
        return model
    raise TypeError(f"{type(model).__name__} does not continue a text; a model with a source needs translation_of")


def translation_of(model: Any, src: Array, src_lengths: Array | None = None) -> Reader:
    """The reader for a model that writes about sources.  src: (B, S) integers, src_lengths: (B,).

    Its texts begin with the start token, one row for each source.
    Raises TypeError for a model that reads no source.
    """
    if not all(callable(getattr(model, name, None)) for name in ("encode", "decode")):
        raise TypeError(f"{type(model).__name__} reads no source: it has no encode and decode")
    if getattr(model, "stores_keys", False):
        return StoredTranslation(model, src, src_lengths)
    return WholeTranslation(model, src, src_lengths)
