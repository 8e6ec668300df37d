"""Greedy decoding: always the most likely next token.

It is quick and always says the same; it need not find the most likely text, because the best first word may lead
nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.generate.choose_reader import Translator, reader_of, translation_of
from tfx.generate.stopping import Stopping
from tfx.generate.writing import Written, as_prompts, write


def greedy(model: Any, prompt_ids: Any, n: int, stop: int | None = None) -> np.ndarray:
    """prompt_ids: (T,) or (B, T) integers, T >= 1, or a list of rows of different lengths -> up to n new ids, (n,) or
    (B, n), without the prompt.

    model: a language model, or a Reader.  stop: the token that ends a row; it is written once and then repeated, and
    when all rows have ended nothing more is computed.  The model sees the last max_len tokens, or all where it has no
    such limit.  Ties go to the smaller id.
    Raises ValueError for an empty prompt or an id outside the vocabulary.
    """
    written = write(reader_of(model), as_prompts(prompt_ids), n, most_likely, Stopping(stop))
    rows = _side_by_side(written, stop)
    return rows[0] if np.ndim(prompt_ids[0]) == 0 else rows


def greedy_seq2seq(
    model: Translator, src: Array, n: int, start: int, stop: int | None = None, src_lengths: Array | None = None
) -> np.ndarray:
    """src: (B, S) integers -> up to n target ids per row, (B, n), without the start token.

    The source is encoded once.  stop as in `greedy`.
    """
    reader = translation_of(model, src, src_lengths)
    written = write(reader, as_prompts([[start]] * len(src)), n, most_likely, Stopping(stop))
    return _side_by_side(written, stop)


def most_likely(logits: np.ndarray, texts: Sequence[Sequence[int]], rows: Sequence[int]) -> list[int]:
    """logits: (N, V) -> (N,).  Raises ValueError for NaN, which is neither more nor less likely than anything."""
    if np.isnan(logits).any():
        raise ValueError("a logit is NaN")
    return [int(token) for token in logits.argmax(axis=-1)]


def _side_by_side(written: Written, stop: int | None) -> np.ndarray:
    """(B, longest row); shorter rows, which stop ended, repeat it."""
    longest = max(len(row) for row in written.ids)
    filling = 0 if stop is None else stop
    return np.array([np.r_[row, np.full(longest - len(row), filling, dtype=np.int64)] for row in written.ids])
