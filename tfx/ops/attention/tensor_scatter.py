"""Tensor scatter: new tokens written into a store of fixed length, each row of the batch at a place of its own.

    y[b, ..., s_b + t, ...] = update[b, ..., t, ...]        t = 0 .. T - 1; every other place keeps what it had
    circular:       place (s_b + t) mod S                   the newest tokens overwrite the oldest

This is what a server does with the keys and values of many conversations of different lengths.  In a circular store
the order of the places is not the order of the tokens; softmax over the keys does not mind, but a mask or a bias that
counts places does.  (nn/key_value_buffer.py keeps the order instead and now and then moves what it holds.)

Derivation.  Every y is one past or one update entry, so its gradient goes there whole:

    dupdate[b, ..., t, ...] = dy[b, ..., s_b + t, ...]      dpast = dy, with 0 where an update was written over it

No two tokens of one row share a place (T <= S), so nothing has to be summed.
Source: the operator TensorScatter of ONNX, opset 24.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, on_host, xp_of
from tfx.half import in_float32


class TensorScatterCache(NamedTuple):
    places: Array  # (B, T): where the tokens went
    axis: int


@in_float32
def tensor_scatter_forward(
    past: Array, update: Array, starts: Array | None = None, axis: int = -2, circular: bool = False
) -> tuple[Array, TensorScatterCache]:
    """past: (B, ..., S, ...), update: (B, ..., T, ...) with the tokens along `axis` -> y: the shape of past, cache.

    starts: (B,) integers, where each row begins to write, 0 unless told.  Nothing is written to past itself.
    Raises ValueError when shapes do not fit, when there are more tokens than places, or (where the starts are on the
    host) when a row would write outside 0 .. S - 1; a circular store wraps around instead.
    """
    xp, axis = xp_of(past), _token_axis(past, axis)
    if update.ndim != past.ndim or update.shape != (*past.shape[:axis], update.shape[axis], *past.shape[axis + 1 :]):
        raise ValueError(f"an update {update.shape} does not fit into a store {past.shape} along axis {axis}")
    length, n_new = past.shape[axis], update.shape[axis]
    if n_new > length:
        raise ValueError(f"{n_new} tokens do not fit into {length} places")
    if starts is None:
        starts = xp.zeros(past.shape[0], dtype="int64")
    if starts.shape != past.shape[:1]:
        raise ValueError(f"starts {starts.shape} must name one place for each of {past.shape[0]} rows")
    if on_host(starts):
        for start in starts:
            if start < 0 or (start + n_new > length and not circular):
                raise ValueError(f"{n_new} tokens from place {start} on do not fit into {length} places")
    places = starts.astype("int64")[:, None] + xp.arange(n_new)  # (B, T)
    places = places % length if circular and length else places
    y = past.copy()
    _tokens_second(y, axis)[_rows_of(places), places] = _tokens_second(update, axis)
    return y, TensorScatterCache(places, axis)


@in_float32
def tensor_scatter_backward(dy: Array, cache: TensorScatterCache) -> tuple[Array, Array]:
    """dy: (B, ..., S, ...) -> dpast: (B, ..., S, ...), dupdate: (B, ..., T, ...)."""
    places, axis = cache
    rows = _rows_of(places)
    dupdate = xp_of(dy).moveaxis(_tokens_second(dy, axis)[rows, places], 1, axis)  # y[places] = update
    dpast = dy.copy()
    _tokens_second(dpast, axis)[rows, places] = 0  # what was written over has no say in y
    return dpast, dupdate


def _token_axis(past: Array, axis: int) -> int:
    if not -past.ndim <= axis < past.ndim or axis % past.ndim == 0:
        raise ValueError(f"tokens must lie along an axis of {past.shape} other than the batch, not axis {axis}")
    return axis % past.ndim


def _tokens_second(x: Array, axis: int) -> Array:
    """A view (B, tokens, ...)."""
    return xp_of(x).moveaxis(x, axis, 1)


def _rows_of(places: Array) -> Array:
    return xp_of(places).arange(places.shape[0])[:, None]
