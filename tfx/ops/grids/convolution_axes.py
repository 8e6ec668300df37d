"""Where the kernel of a convolution stands: stride, padding and dilation, axis by axis.

    tap k of the kernel at output place t meets place  t stride + k dilation  of the padded input
    span   = 1 + (K - 1) dilation                     places under one kernel
    places = floor((padded length - span) / stride) + 1

Stacked layers of stride 1 see 1 + sum (K - 1) dilation places: with dilations 1, 2, 4, ... that doubles with every
layer, without dilation it only grows by K - 1.
Source: Dumoulin and Visin 2016, "A Guide to Convolution Arithmetic for Deep Learning", relationship 15.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

#: "same": ceil(length / stride) places, an odd zero goes after x ("same_lower": before); "causal": all zeros before.
PADDINGS = ("valid", "same", "same_lower", "causal")

Numbers = int | Sequence[int]
Padding = str | int | Sequence[int | tuple[int, int]]


class Axis(NamedTuple):
    """One spatial axis: its kernel, the zeros around it, and how many places come out."""

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    places: int


def convolution_axes(
    spatial: Sequence[int], kernel: Sequence[int], stride: Numbers, padding: Padding, dilation: Numbers
) -> tuple[Axis, ...]:
    """The settings of `convolution_forward`, worked out for each axis of x.  Raises ValueError as it promises."""
    n = len(spatial)
    if len(kernel) != n or not n:
        raise ValueError(f"the kernel has {len(kernel)} spatial axes but x has {n}")
    strides = _per_axis("stride", stride, n)
    dilations = _per_axis("dilation", dilation, n)
    paddings: Sequence[Any] = (padding,) * n if isinstance(padding, str | int) else tuple(padding)
    if len(paddings) != n:
        raise ValueError(f"padding is given for {len(paddings)} axes but x has {n}")
    settings = zip(spatial, kernel, strides, paddings, dilations, strict=True)
    return tuple(_axis(*of_axis) for of_axis in settings)


def taps(axes: Sequence[Axis]) -> Iterator[tuple[tuple[int, ...], tuple]]:
    """Each tap k of the kernel, and the places of the padded input that it meets: every stride-th from k dilation."""
    for tap in itertools.product(*(range(axis.kernel) for axis in axes)):
        starts = (k * axis.dilation for k, axis in zip(tap, axes, strict=True))
        slices = (
            slice(start, start + axis.places * axis.stride, axis.stride)
            for start, axis in zip(starts, axes, strict=True)
        )
        yield tap, (..., *slices)


def padded_sizes(axes: Sequence[Axis], spatial: Sequence[int]) -> tuple[int, ...]:
    """Lengths with the zeros."""
    return tuple(axis.before + n + axis.after for axis, n in zip(axes, spatial, strict=True))


def inside(axes: Sequence[Axis], sizes: Sequence[int]) -> tuple:
    """Where x lies between its zeros, in padded sizes."""
    return (..., *(slice(axis.before, n - axis.after) for axis, n in zip(axes, sizes, strict=True)))


def receptive_field(kernels: Sequence[int], dilations: Sequence[int]) -> int:
    """Places of the input that one output of stacked convolutions of stride 1 can see."""
    return 1 + sum((kernel - 1) * dilation for kernel, dilation in zip(kernels, dilations, strict=True))


def _axis(length: int, kernel: int, stride: int, padding: str | int | tuple[int, int], dilation: int) -> Axis:
    if min(kernel, stride, dilation) < 1:
        raise ValueError(f"kernel {kernel}, stride {stride} and dilation {dilation} must be at least 1")
    span = 1 + (kernel - 1) * dilation
    if isinstance(padding, str):
        before, after = _named_padding(padding, length, span, stride)
    else:
        before, after = (padding, padding) if isinstance(padding, int) else padding
    if min(before, after) < 0:
        raise ValueError(f"padding must not be negative, but is {before} before and {after} after")
    padded = before + length + after
    if padded < span and length:
        raise ValueError(f"the kernel spans {span} places but the padded input has {padded}")
    places = (padded - span) // stride + 1 if length else 0
    return Axis(kernel, stride, dilation, before, after, places)


def _named_padding(padding: str, length: int, span: int, stride: int) -> tuple[int, int]:
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return span - 1, 0
    if padding not in PADDINGS:
        raise ValueError(f"padding must be a number or one of {', '.join(PADDINGS)}, not {padding!r}")
    places = -(-length // stride)
    total = max((places - 1) * stride + span - length, 0)
    smaller, larger = total // 2, total - total // 2
    return (smaller, larger) if padding == "same" else (larger, smaller)


def _per_axis(name: str, value: Numbers, n: int) -> tuple[int, ...]:
    values = (value,) * n if isinstance(value, int) else tuple(value)
    if len(values) != n:
        raise ValueError(f"{name} is given for {len(values)} axes but x has {n}")
    return values
