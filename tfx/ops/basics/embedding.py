"""Embedding: a token id picks a row of a table; tied logits compare a vector with every row of the same table.

    y_t = E[id_t]               (V, C), ids (...,) -> (..., C)
    logits = x E^T              (..., C) x (C, V) -> (..., V)

Derivation.  With one-hot rows o_t the look-up is y = o E, a linear map, so dE = o^T dy: row v collects the gradient of
every place where the token v stood.  A token that occurs three times sums three gradients; overwriting instead of
adding is the classic mistake.  Ids are not numbers that can move a little, so they have no gradient.
For the logits: dx = dlogits E and dE = dlogits^T x, leading axes folded.  When both share one table, its gradient is
the sum of the two.
Source: Press and Wolf 2017, "Using the Output Embedding to Improve Language Models"; Vaswani et al. 2017, section 3.4.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32


class EmbeddingCache(NamedTuple):
    ids: Array
    table: Array


class TiedLogitsCache(NamedTuple):
    x: Array
    table: Array


@in_float32
def embedding_forward(ids: Array, table: Array) -> tuple[Array, EmbeddingCache]:
    """ids: (...,) integers, table: (V, C) -> y: (..., C), cache.

    Raises TypeError when ids are not integers and ValueError for an id outside 0 .. V - 1.  For ids that are already
    on a graphics card an exception would make the card wait, so there such an id gives a row of NaN instead.
    """
    check_ids(ids, table.shape[0])
    xp = xp_of(table, ids)
    ids = xp.asarray(ids)
    if on_host(ids):
        return table[ids], EmbeddingCache(ids, table)
    known = (ids >= 0) & (ids < table.shape[0])
    ids = xp.where(known, ids, 0)
    return xp.where(known[..., None], table[ids], math.nan).astype(table.dtype), EmbeddingCache(ids, table)


@in_float32
def embedding_backward(dy: Array, cache: EmbeddingCache) -> Array:
    """dy: (..., C) -> dtable: (V, C); rows of tokens that did not occur are 0."""
    ids, table = cache
    xp = xp_of(dy)
    width = table.shape[-1]
    dtable = xp.zeros(table.size, dtype=dy.dtype)
    wide = ids.astype("int64")  # 99 * width does not fit into int8
    cells = wide[..., None] * width + xp.arange(width)  # where row ids[n] lies in the flat table: flat add.at is fast
    xp.add.at(dtable, cells.reshape(-1), dy.reshape(-1))  # y = table[ids]; a repeated id adds again
    return dtable.reshape(table.shape)


@in_float32
def tied_logits_forward(x: Array, table: Array) -> tuple[Array, TiedLogitsCache]:
    """x: (..., C), table: (V, C) -> logits: (..., V), cache.  Raises ValueError when the widths differ."""
    if x.shape[-1] != table.shape[-1]:
        raise ValueError(f"x has width {x.shape[-1]} but the table has {table.shape[-1]}")
    return x @ table.T, TiedLogitsCache(x, table)


@in_float32
def tied_logits_backward(dlogits: Array, cache: TiedLogitsCache) -> tuple[Array, Array]:
    """dlogits: (..., V) -> dx: (..., C), dtable: (V, C)."""
    x, table = cache
    dx = dlogits @ table  # logits = x @ table^T
    dtable = dlogits.reshape(-1, dlogits.shape[-1]).T @ x.reshape(-1, x.shape[-1])
    return dx, dtable


def one_hot(ids: Array, vocabulary: int, dtype: Any = bool) -> Array:
    """ids: (...,) integers -> (..., V), 1 at the id and 0 elsewhere: the rows o_t, for readers who want to see them.

    Raises as `embedding_forward` does.
    """
    check_ids(ids, vocabulary)
    return (xp_of(ids).arange(vocabulary) == ids[..., None]).astype(dtype)


def check_rows_of_ids(ids: Array, name: str = "ids") -> None:
    """Raises TypeError unless it is an array, ValueError unless it is (B, T)."""
    if not hasattr(ids, "shape"):
        raise TypeError(f"{name} must be an array (batch, length), not a {type(ids).__name__}")
    if ids.ndim != 2:
        raise ValueError(f"{name} must be (batch, length), not {ids.shape}")


def check_ids(ids: Array, vocabulary: int, name: str = "id") -> None:
    """Raises TypeError or ValueError that names the first id that does not fit; looks at values on the host only."""
    if not hasattr(ids, "dtype"):
        raise TypeError(f"{name}s must be an array of integers, not a {type(ids).__name__}")
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{name}s must be integers, not {ids.dtype}")
    if not on_host(ids) or ids.size == 0:
        return
    if ids.min() < 0 or ids.max() >= vocabulary:
        wrong = ids[(ids < 0) | (ids >= vocabulary)]
        raise ValueError(f"{name} {wrong[0]} is outside a vocabulary of {vocabulary} (0 to {vocabulary - 1})")
