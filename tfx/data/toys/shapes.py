"""Pictures of one shape: what is it, where is it, which pixels are it, and what stood where pixels are lost?

A square outline, a plus or a diagonal cross, of a size and at a place drawn at random, on a small grid of pixels.

    kind       image classification
    box        object detection: top, left, height, width, as shares of the picture
    pixels     segmentation: 0 = paper, 1 + kind = a pixel of that shape; the ink is the same for all
    clean      restoration: the picture before some of its pixels were lost
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

LOST = 2
KINDS = ("square", "plus", "cross")
SIZES = (3, 5)


class Pictures(NamedTuple):
    """images: (B, N, N) of 0, 1 and LOST; clean: of 0 and 1; kind: (B,); box: (B, 4) float64; pixels: (B, N, N)."""

    images: np.ndarray
    clean: np.ndarray
    kind: np.ndarray
    box: np.ndarray
    pixels: np.ndarray


def stamp(kind: int, size: int) -> np.ndarray:
    """(size, size) bool: the shape itself."""
    i, j = np.indices((size, size))
    edge, middle = (0, size - 1), size // 2
    return (
        np.isin(i, edge) | np.isin(j, edge),
        (i == middle) | (j == middle),
        (i == j) | (i + j == size - 1),
    )[kind]


@dataclass(frozen=True)
class Shapes:
    """side: pixels of a picture, at least 5; lost: the chance of each pixel to be lost."""

    side: int = 8
    lost: float = 0.0

    def pictures(self, n: int, rng: Rng, held_out: bool = False) -> Pictures:
        """n pictures; recipes of kind, size and place are shared by both sides, patterns of loss are not."""

        def drawn(count: int, rng: Rng) -> tuple[np.ndarray, ...]:
            clean = np.zeros((count, self.side, self.side), dtype=np.int64)
            kind, size = rng.integers(len(KINDS), size=count), np.array(SIZES)[rng.integers(len(SIZES), size=count)]
            top, left = rng.integers(self.side - size + 1), rng.integers(self.side - size + 1)
            for row in range(count):
                there = (slice(top[row], top[row] + size[row]), slice(left[row], left[row] + size[row]))
                clean[row][there] = stamp(int(kind[row]), int(size[row]))
            images = np.where(rng.random(clean.shape) < self.lost, LOST, clean)
            box = np.stack([top, left, size, size], axis=1) / self.side
            return images.reshape(count, -1), clean, kind, box

        images, clean, kind, box = one_side(n, rng, held_out, drawn)
        return Pictures(images.reshape(clean.shape), clean, kind, box, clean * (1 + kind[:, None, None]))


@dataclass(frozen=True)
class ShapePixels(LabelToy):
    """A question about every pixel, the picture read as a sequence of N N tokens, line by line.

    question: "pixels" (segmentation, of every pixel) or "clean" (restoration, of the lost ones).
    """

    shapes: Shapes
    question: str = "pixels"

    @property
    def n_tokens(self) -> int:
        return 3

    @property
    def n_answers(self) -> int:
        return 1 + len(KINDS) if self.question == "pixels" else 2

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, N N)."""
        pictures = self.shapes.pictures(n, rng, held_out)
        ids = pictures.images.reshape(n, -1)
        targets = {"pixels": pictures.pixels, "clean": pictures.clean}[self.question].reshape(n, -1)
        return Places(ids, targets, (ids == LOST) | (self.question == "pixels"))
