"""Patches: an image as a sequence of small squares, so that a Transformer can read it like words.

With squares of p x p pixels and K channels, patch n = i w + j is the one in row i and column j of the h x w squares,
read line by line, and its numbers lie in the order pixel row, pixel column, channel:

    y[b, i w + j, (r p + c) K + k] = x[b, i p + r, j p + c, k]             h = height / p, w = width / p

Derivation.  Every pixel goes to exactly one place: the map only moves numbers, it is a permutation P.  The gradient of
a permutation is its transpose, P^T = P^-1: backward puts every number back where it came from, and so it also turns
patches into an image again.

A linear map of every patch, y E with E (p p K, C), is a convolution whose kernel is p x p and which jumps p pixels at
a time: no pixel is read twice.
Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
section 3.1 and equation 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.half import in_float32


class PatchesCache(NamedTuple):
    shape: tuple[int, ...]  # of the images
    patch: int


@in_float32
def patches_forward(images: Array, patch: int) -> tuple[Array, PatchesCache]:
    """images: (B, height, width, K), patch: pixels on a side -> y: (B, N, patch patch K), cache.

    N is how many squares fit.  Raises ValueError unless images have four axes and the squares cover them exactly.
    """
    h, w = patch_grid(images.shape, patch)
    batch, _, _, channels = images.shape
    squares = images.reshape(batch, h, patch, w, patch, channels)  # height is (i, r), width is (j, c)
    y = squares.swapaxes(2, 3)  # (B, i, j, r, c, K)
    return y.reshape(batch, h * w, patch * patch * channels), PatchesCache(tuple(images.shape), patch)


@in_float32
def patches_backward(dy: Array, cache: PatchesCache) -> Array:
    """dy: (B, N, patch patch K) -> dimages: (B, height, width, K).  Given y itself, it gives the images back."""
    shape, patch = cache
    h, w = patch_grid(shape, patch)
    squares = dy.reshape(shape[0], h, w, patch, patch, shape[3])
    return squares.swapaxes(2, 3).reshape(shape)  # y = squares.swapaxes(2, 3)


def image_shape(image_size: Any, channels: int) -> tuple[int, int, int]:
    """-> (height, width, channels).  Raises ValueError unless the size is a height and a width."""
    if not isinstance(image_size, tuple | list) or len(image_size) != 2:
        raise ValueError(f"image_size must be (height, width), not {image_size!r}")
    return image_size[0], image_size[1], channels


def check_images(images: Array, shape: tuple[int, int, int]) -> None:
    """Raises ValueError unless images are (B, height, width, K) with that (height, width, K)."""
    if images.shape[1:] != shape:
        raise ValueError(f"the model reads images of {shape} but these are {images.shape[1:]}")


def patch_grid(shape: tuple[int, ...], patch: int) -> tuple[int, int]:
    """Shape of images (B, height, width, K) -> how many squares lie below and beside each other: (h, w).

    Raises ValueError unless the shape has four axes and squares of `patch` pixels cover it exactly.
    """
    if len(shape) != 4:
        raise ValueError(f"images must be (batch, height, width, channels), not {tuple(shape)}")
    height, width = shape[1:3]
    if patch < 1 or height % patch or width % patch:
        raise ValueError(f"an image of {height} x {width} pixels cannot be cut into squares of {patch} x {patch}")
    return height // patch, width // patch
