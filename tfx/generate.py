"""Greedy decoding: always the most likely next token.

Every step runs the whole model over everything written so far.  That is the definition; storing keys and values
(a KV cache) gives the same numbers for less work.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from tfx.backend import Array, to_numpy
from tfx.models import DecoderOnly, RecurrentLanguageModel


class Translator(Protocol):
    """What `greedy_seq2seq` needs: EncoderDecoder and RecurrentSeq2Seq have it."""

    def encode(self, src: Array, src_lengths: Array | None = None) -> tuple[Array, Any]: ...

    def decode(self, tgt: Array, memory: Array, source: Any, src_lengths: Array | None = None) -> tuple[Array, Any]: ...


def greedy(
    model: DecoderOnly | RecurrentLanguageModel, prompt_ids: Array, n: int, stop: int | None = None
) -> np.ndarray:
    """prompt_ids: (T,) or (B, T) integers, T >= 1 -> up to n new ids, (n,) or (B, n), without the prompt.

    stop: the token that ends a row; it is written once and then repeated, and when all rows have ended nothing more
    is computed.  The model sees the last max_len tokens, or all where it has no such limit.  Ties go to the smaller id.
    Raises ValueError for an empty prompt or an id outside the vocabulary.
    """
    prompt = np.asarray(prompt_ids)
    if prompt.shape[-1] == 0:
        raise ValueError("the prompt is empty; give at least one token")
    rows = np.atleast_2d(prompt)
    window = model.config.get("max_len", prompt.shape[-1] + n)  # a recurrent model has no limit
    written = np.empty((len(rows), 0), dtype=np.int64)
    while written.shape[1] < n and not _all_ended(written, stop):
        context = np.concatenate([rows, written], axis=1)[:, -window:]
        logits, _ = model.forward(context)
        written = _append(written, to_numpy(logits[:, -1]), stop)
    return written[0] if prompt.ndim == 1 else written


def greedy_seq2seq(
    model: Translator,
    src: Array,
    n: int,
    start: int,
    stop: int | None = None,
    src_lengths: Array | None = None,
) -> np.ndarray:
    """src: (B, S) integers -> up to n target ids per row, (B, n), without the start token.

    The source is encoded once.  stop as in `greedy`.
    """
    src = np.asarray(src)
    memory, source = model.encode(src, src_lengths)
    begin = np.full((len(src), 1), start, dtype=np.int64)
    written = np.empty((len(src), 0), dtype=np.int64)
    while written.shape[1] < n and not _all_ended(written, stop):
        logits, _ = model.decode(np.concatenate([begin, written], axis=1), memory, source, src_lengths)
        written = _append(written, to_numpy(logits[:, -1]), stop)
    return written


def _append(written: np.ndarray, logits: np.ndarray, stop: int | None) -> np.ndarray:
    """written: (B, t), logits: (B, V) -> (B, t + 1); a row that has ended repeats its stop token."""
    token = logits.argmax(axis=-1)
    if stop is not None and written.shape[1]:
        token = np.where(written[:, -1] == stop, stop, token)
    return np.concatenate([written, token[:, None]], axis=1)


def _all_ended(written: np.ndarray, stop: int | None) -> bool:
    return stop is not None and written.shape[1] > 0 and bool((written[:, -1] == stop).all())
