"""Convolution over any number of spatial axes: the same small linear map at every place.

    y[b, o, t] = b[o] + sum over i, k of  w[o, i, k] x[b, i, t stride + k dilation - before]

i runs over the input channels, k over the taps of the kernel, and x is 0 outside itself (`before` zeros come first).
With more spatial axes t and k are tuples and nothing else changes; ops/grids/convolution_axes.py works out where the
kernel stands.  Groups cut the channels into G parts that do not see each other; with G = Cin each channel has its own
kernel ("depthwise").  The kernel is not turned round: signal theory calls this a correlation.

Both directions go tap by tap.  For one k, let x_k be x at the places t stride + k dilation - before: a strided slice,
in which the tap is an ordinary matrix.  So the work is K matrix products, and x is never copied K times (im2col):

    y = sum over k of  w_k x_k                    (Cout, Cin) x (Cin, places)

Derivation.  y is linear in x_k and in w_k, and every place of the batch used the same w_k:

    dw_k = dy x_k^T                               places and batch folded into one sum
    dx_k = w_k^T dy,  added to the places of x where the slice x_k was read; the taps overlap, so they sum
    db   = dy summed over batch and places

The gradient of zeros outside x goes nowhere.  dx is the "transposed convolution" of other libraries.
Sources: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", section II; dilation: Yu and
Koltun 2016, "Multi-Scale Context Aggregation by Dilated Convolutions", equation 2.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.grids.convolution_axes import Axis, Numbers, Padding, convolution_axes, inside, padded_sizes, taps


class ConvolutionCache(NamedTuple):
    padded: Array  # x with its zeros, cut into groups: (B, G, Cin / G, *padded sizes)
    w: Array
    axes: tuple[Axis, ...]
    has_bias: bool


class ConvolutionGrads(NamedTuple):
    dx: Array
    dw: Array
    db: Array | None


@in_float32
def convolution_forward(
    x: Array,
    w: Array,
    b: Array | None = None,
    stride: Numbers = 1,
    padding: Padding = 0,
    dilation: Numbers = 1,
    groups: int = 1,
) -> tuple[Array, ConvolutionCache]:
    """x: (B, Cin, *spatial), w: (Cout, Cin / G, *kernel), b: (Cout,) or None -> y: (B, Cout, *places), cache.

    stride, dilation: one number, or one for each spatial axis.  padding: "valid" (none), "same", "same_lower",
    "causal" (all zeros before), a number of zeros for every side, or for each axis a number or a pair (before, after).
    An empty axis has no places.
    Raises ValueError when channels, groups or axes do not fit, or when the kernel spans more than it runs over.
    """
    check_channels(x, w, b, groups)
    spatial = x.shape[2:]
    axes = convolution_axes(spatial, w.shape[2:], stride, padding, dilation)
    padded = x
    if any(axis.before or axis.after for axis in axes):
        sizes = padded_sizes(axes, spatial)
        padded = xp_of(x).zeros((*x.shape[:2], *sizes), dtype=x.dtype)
        padded[inside(axes, sizes)] = x
    return slide(padded, w, b, axes, groups)


@in_float32
def convolution_backward(dy: Array, cache: ConvolutionCache) -> ConvolutionGrads:
    """dy: (B, Cout, *places) -> dx: (B, Cin, *spatial), dw: shape of w, db: (Cout,), or None where there was no b."""
    dpadded, dw, db = slide_gradients(dy, cache)
    return ConvolutionGrads(dpadded[inside(cache.axes, dpadded.shape[2:])], dw, db)  # padded = zeros around x


def slide(
    padded: Array, w: Array, b: Array | None, axes: tuple[Axis, ...], groups: int
) -> tuple[Array, ConvolutionCache]:
    """The convolution itself, over an input that has its padding: (B, Cin, *padded sizes) -> y, cache."""
    padded = padded.reshape(len(padded), groups, w.shape[1], *padded.shape[2:])
    y: Array = None
    for tap, window in taps(axes):
        part = _matrix(w, tap, groups) @ _columns(padded[window])  # (G, O, I) x (B, G, I, places)
        y = part if y is None else y + part
    y = y.reshape(len(padded), len(w), *(axis.places for axis in axes))
    if b is not None:
        y = y + b.reshape(-1, *(1 for _ in axes))
    return y, ConvolutionCache(padded, w, axes, b is not None)


def slide_gradients(dy: Array, cache: ConvolutionCache) -> tuple[Array, Array, Array | None]:
    """dy: (B, Cout, *places) -> dpadded: (B, Cin, *padded sizes), dw, db."""
    padded, w, axes, has_bias = cache
    n_batch, groups = padded.shape[:2]
    xp = xp_of(dy)
    db = dy.sum(axis=(0, *range(2, dy.ndim))) if has_bias else None  # y = ... + b, at every place
    dy = dy.reshape(n_batch, groups, len(w) // groups, math.prod(dy.shape[2:]))
    dpadded, dw = xp.zeros(padded.shape, dtype=dy.dtype), xp.empty(w.shape, dtype=dy.dtype)
    for tap, window in taps(axes):
        read = padded[window]
        dw_k = (dy @ _columns(read).swapaxes(-1, -2)).sum(axis=0)  # y = ... + w_k @ x_k; the batch shares w_k
        dw[(..., *tap)] = dw_k.reshape(w.shape[:2])
        dread = _matrix(w, tap, groups).swapaxes(-1, -2) @ dy
        dpadded[window] += dread.reshape(read.shape)  # x_k = padded[window]; one tap reads no place twice
    return dpadded.reshape(n_batch, groups * w.shape[1], *padded.shape[3:]), dw, db


def check_channels(x: Array, w: Array, b: Array | None, groups: int) -> None:
    """Raises ValueError that names the two things that do not fit."""
    channels_in, channels_out = x.shape[1], w.shape[0]
    if groups < 1 or channels_in % groups or channels_out % groups:
        raise ValueError(f"{channels_in} channels in and {channels_out} out cannot be cut into {groups} groups")
    if w.shape[1] * groups != channels_in:
        raise ValueError(f"x has {channels_in} channels but w expects {w.shape[1]} in each of {groups} groups")
    if b is not None and b.shape != (channels_out,):
        raise ValueError(f"w gives {channels_out} channels but b is {b.shape}")


def _matrix(w: Array, tap: tuple[int, ...], groups: int) -> Array:
    """w: (Cout, Cin / G, *kernel) -> w_k: (G, Cout / G, Cin / G)."""
    return w[(..., *tap)].reshape(groups, len(w) // groups, w.shape[1])


def _columns(window: Array) -> Array:
    """(B, G, Cin / G, *places) -> (B, G, Cin / G, places as one axis)."""
    return window.reshape(*window.shape[:3], math.prod(window.shape[3:]))
