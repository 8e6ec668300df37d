"""Gradient accumulation: a large batch in small parts, with the same gradient and the memory of one part.

    L = sum over all tokens of l / N = sum_i (n_i / N) L_i           L_i the mean over the n_i tokens of part i

so the gradient of the whole batch is the mean of the parts' gradients, weighted by their tokens.  The plain mean, 1/k
each, is only the same when all parts count as many tokens; with padding they do not, and short parts pull too hard.
N is known when all parts are done, so the sum of n_i g_i is kept apart and divided once.

Exact, to rounding, for whatever treats rows of a batch alone.  Batch normalisation does not: it takes its statistics
from each part; nor do the capacity and the load balance of experts.  Dropout draws other masks than in one large batch,
from the same distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tfx.arguments import whole_number
from tfx.backend import xp_of
from tfx.train.loop import Batch, Loss, LossValue, Rng


def split_rows(batch: Batch, rows: int) -> Iterator[Batch]:
    """Parts of at most `rows` rows: of an array, or of a named tuple whose arrays have one row for each example.

    Raises ValueError for rows < 1, for a batch without any, or when its arrays differ in rows.
    """
    if whole_number("the rows of a part", rows) < 1:
        raise ValueError(f"a part needs at least one row, not {rows}")
    arrays = _arrays_of(batch)
    counts = {len(array) for array in arrays}
    if len(counts) != 1 or not max(counts):
        raise ValueError(f"a batch to be split needs one number of rows, not {sorted(counts)}")
    for start in range(0, counts.pop(), rows):
        cut = slice(start, start + rows)
        if isinstance(batch, tuple):
            parts: list[Any] = [None if array is None else array[cut] for array in batch]
            yield type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
        else:
            yield batch[cut]


def count_rows(batch: Batch) -> int:
    """Rows of an array, or of the longest array in a named tuple."""
    return max(map(len, _arrays_of(batch)), default=0)


def _arrays_of(batch: Batch) -> list[Any]:
    """The arrays of a named tuple that are there, or the one array that the batch is."""
    return [array for array in batch if array is not None] if isinstance(batch, tuple) else [batch]


def accumulated(loss: Loss[Any], split: int | Callable[[Batch], Iterator[Batch]]) -> Loss[Any]:
    """-> the same loss, computed part by part.  split: rows of a part, or a function from a batch to its parts.

    Sums of float16 gradients are kept in float32.
    """
    parts_of = split if callable(split) else partial(split_rows, rows=whole_number("split", split, 1))

    def whole(model: Any, batch: Batch, rng: Rng) -> LossValue:
        parameters = list(model.parameters().values())
        before = [parameter.grad.copy() for parameter in parameters]  # usually zero; backward adds, and so does this
        wide = ["float32" if parameter.grad.dtype == "float16" else parameter.grad.dtype for parameter in parameters]
        sums = [xp_of(p.grad).zeros(p.shape, dtype=dtype) for p, dtype in zip(parameters, wide, strict=True)]
        total, tokens = 0.0, 0
        for part in parts_of(batch):
            for parameter in parameters:
                parameter.grad[...] = 0
            value, counted = loss(model, part, rng)
            total, tokens = total + counted * value, tokens + counted
            for parameter, kept in zip(parameters, sums, strict=True):
                kept += counted * parameter.grad.astype(kept.dtype)
        share = 1.0 / max(tokens, 1)
        for parameter, kept, old in zip(parameters, sums, before, strict=True):
            kept *= share
            parameter.grad[...] = kept
            parameter.grad += old
        return LossValue(total * share, tokens)

    return whole
