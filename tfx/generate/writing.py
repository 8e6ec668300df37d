"""The loop that all token-by-token writing shares: read, choose, append, until every row is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.generate.reader import Reader
from tfx.generate.stopping import LENGTH, Stopping

#: One token (N,) for each of N unfinished rows, from logits (N, V), their texts so far (prompt included, without
#: filling) and their numbers in the batch.
Choose = Callable[[np.ndarray, Sequence[Sequence[int]], Sequence[int]], Sequence[int]]

#: The id that stands in front of shorter prompts.  No model ever attends to it.
FILLING = 0


class Written(NamedTuple):
    """ids: the new tokens of each row, with what ended it.  reasons: "end", "stop" or "length" (stopping.py)."""

    ids: tuple[np.ndarray, ...]
    reasons: tuple[str, ...]


class Prompts(NamedTuple):
    """ids: (B, T), filled on the left.  left_padding: (B,), or None when all are of one length."""

    ids: np.ndarray
    left_padding: np.ndarray | None

    @property
    def texts(self) -> list[list[int]]:
        """Each row without its filling."""
        skipped = [0] * len(self.ids) if self.left_padding is None else self.left_padding
        return [[int(token) for token in row[skip:]] for row, skip in zip(self.ids, skipped, strict=True)]


def as_prompts(prompts: Any) -> Prompts:
    """prompts: (T,) or (B, T) integers, or a list of rows of different lengths, which are filled on the left.

    Raises ValueError for an empty prompt, TypeError for ids that are not integers.
    """
    if np.ndim(prompts if isinstance(prompts, np.ndarray) else 0) > 2 or not hasattr(prompts, "__len__"):
        raise ValueError("a prompt is a row of ids, or several rows of ids")
    several = isinstance(prompts, list | tuple) and len(prompts) and np.ndim(prompts[0]) == 1
    rows = [np.asarray(row) for row in prompts] if several else list(np.atleast_2d(np.asarray(prompts)))
    if any(row.ndim != 1 for row in rows):
        raise ValueError("a prompt is a row of ids, or several rows of ids")
    if not rows or any(row.size == 0 for row in rows):
        raise ValueError("the prompt is empty; give at least one token")
    if any(row.dtype.kind not in "iu" for row in rows):
        raise TypeError(f"a prompt is made of integer ids, not of {rows[0].dtype}")
    longest = max(len(row) for row in rows)
    filling = np.array([longest - len(row) for row in rows])
    ids = np.array([np.r_[np.full(n, FILLING, dtype=np.int64), row] for n, row in zip(filling, rows, strict=True)])
    return Prompts(ids, filling if filling.any() else None)


def write(reader: Reader, prompts: Prompts, n: int, choose: Choose, stopping: Stopping | None = None) -> Written:
    """Up to n new tokens for each row.  A finished row is taken out, so that it costs nothing more.

    Raises ValueError for a negative n.
    """
    whole_number("n, the number of new tokens,", n, 0)
    stopping = Stopping() if stopping is None else stopping
    texts = prompts.texts
    written: list[list[int]] = [[] for _ in texts]
    reasons = [LENGTH] * len(texts)
    open_rows = list(range(len(texts)))
    reader.begin(len(texts), prompts.left_padding)
    new = prompts.ids
    for _ in range(n):
        logits = reader.read(new, 1)[:, -1]
        chosen = choose(logits, [texts[row] for row in open_rows], open_rows)
        for row, token in zip(open_rows, chosen, strict=True):
            texts[row].append(int(token))
            written[row].append(int(token))
            reasons[row] = stopping.reason(written[row]) or LENGTH
        going_on = [at for at, row in enumerate(open_rows) if reasons[row] == LENGTH]
        if not going_on:
            break
        open_rows = [open_rows[at] for at in going_on]
        reader.select(going_on)
        new = np.array([[texts[row][-1]] for row in open_rows])
    return Written(tuple(np.array(ids, dtype=np.int64) for ids in written), tuple(reasons))
