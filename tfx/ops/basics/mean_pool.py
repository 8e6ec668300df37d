"""Mean pooling along a sequence: every `stride` neighbours become one, their mean.

    y_i = (x_{i s} + ... + x_{i s + n - 1}) / n          n = s, or what is left for the last one

Of a padded sequence only real places are added up and counted; a window without any gives 0.

Derivation.  A linear map: each of the n places of a window gave 1 / n of itself to y_i, so dx_j = dy_i / n.

Repeating each place `stride` times is, but for that factor, the transpose of pooling; its backward sums the copies.
Sources: pooling as compression of a memory: Rae et al. 2020, "Compressive Transformers", section 3.2; pooling of
queries and repetition: Dai et al. 2020, "Funnel-Transformer", sections 2.2 and 2.3.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class MeanPoolCache(NamedTuple):
    length: int
    stride: int
    keep: Array | None = None  # (..., T, 1)


class RepeatPlacesCache(NamedTuple):
    length: int  # of the result
    stride: int


@in_float32
def mean_pool_forward(x: Array, stride: int = 2, keep: Array | None = None) -> tuple[Array, MeanPoolCache]:
    """x: (..., T, C) -> y: (..., ceil(T / stride), C), cache.

    keep: (..., T) bool, True = a real place, or None for all.
    Raises ValueError for a stride below 1 and a keep of another shape, TypeError when it is not boolean.
    """
    check_stride(stride)
    if keep is not None and keep.dtype != bool:
        raise TypeError(f"keep must be boolean, not {keep.dtype}")
    if keep is not None and keep.shape != x.shape[:-1]:
        raise ValueError(f"keep is {keep.shape} but the places are {x.shape[:-1]}")
    cache = MeanPoolCache(x.shape[-2], stride, None if keep is None else keep[..., None])
    return _window_sums(_kept(x, cache), stride) / _sizes(cache, x), cache


@in_float32
def mean_pool_backward(dy: Array, cache: MeanPoolCache) -> Array:
    """dy: (..., ceil(T / stride), C) -> dx: (..., T, C)."""
    share = dy / _sizes(cache, dy)  # y = window sums / sizes
    return _kept(xp_of(dy).repeat(share, cache.stride, axis=-2)[..., : cache.length, :], cache)


def pooled_keep(keep: Array, stride: int) -> Array:
    """keep: (..., T) bool -> (..., ceil(T / stride)): True where a window has a real place."""
    return _window_sums(keep[..., None].astype("float32"), stride)[..., 0] > 0


@in_float32
def repeat_places_forward(x: Array, stride: int, length: int) -> tuple[Array, RepeatPlacesCache]:
    """x: (..., ceil(T / stride), C) -> y: (..., T, C), T = length: each place `stride` times in a row.

    Raises ValueError when that does not give the length.
    """
    check_stride(stride)
    if x.shape[-2] != -(-length // stride):
        raise ValueError(f"{x.shape[-2]} places, {stride} times each, do not give a length of {length}")
    return xp_of(x).repeat(x, stride, axis=-2)[..., :length, :], RepeatPlacesCache(length, stride)


@in_float32
def repeat_places_backward(dy: Array, cache: RepeatPlacesCache) -> Array:
    """dy: (..., T, C) -> dx: (..., ceil(T / stride), C): the sum over the copies of each place."""
    return _window_sums(dy, cache.stride)


def check_stride(stride: int) -> None:
    """Raises ValueError for a stride below 1."""
    if stride < 1:
        raise ValueError(f"a stride must be at least 1, not {stride}")


def _window_sums(x: Array, stride: int) -> Array:
    """(..., T, C) -> (..., ceil(T / stride), C)."""
    xp = xp_of(x)
    *lead, length, width = x.shape
    n = -(-length // stride)
    missing = xp.zeros((*lead, n * stride - length, width), dtype=x.dtype)
    return xp.concatenate((x, missing), axis=-2).reshape(*lead, n, stride, width).sum(axis=-2)


def _kept(x: Array, cache: MeanPoolCache) -> Array:
    """x: (..., T, C) with 0 at places that are not real, whatever stood there."""
    return x if cache.keep is None else xp_of(x).where(cache.keep, x, 0).astype(x.dtype, copy=False)


def _sizes(cache: MeanPoolCache, like: Array) -> Array:
    """(ceil(T / stride), 1), or (..., ceil(T / stride), 1): how many real places each window has, and 1 for none."""
    xp, (length, stride, keep) = xp_of(like), cache
    if keep is not None:
        return xp.maximum(_window_sums(keep.astype(like.real.dtype), stride), 1)
    starts = xp.arange(0, length, stride)
    return xp.minimum(length - starts, stride).astype(like.dtype)[:, None]
