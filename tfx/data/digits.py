"""Digits drawn by us: small grey pictures of 0 to 9, each written a little differently.

A digit is a few strokes, lines between points of the unit square.  A style moves, slants, narrows and thickens them;
a pixel is as dark as its centre is near a stroke.  Then come a random strength of the ink, a random grey of the paper,
and noise.

    darkness of a pixel = clip((thickness / 2 - distance to the nearest stroke) / pixel + 1/2, 0, 1)

A style is a combination of a few steps of each freedom, and one (digit, style) in eight is held out: training shows
every digit and every style, but never these together.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tfx.data.held_out import is_held_out

SIZE = 8
N_CLASSES = 10

#: digit -> strokes; a stroke is a line through points (x from the left, y from the top).
STROKES: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = (
    (((0.5, 0.0), (0.1, 0.25), (0.1, 0.75), (0.5, 1.0), (0.9, 0.75), (0.9, 0.25), (0.5, 0.0)),),
    (((0.25, 0.25), (0.55, 0.0), (0.55, 1.0)), ((0.25, 1.0), (0.85, 1.0))),
    (((0.1, 0.2), (0.5, 0.0), (0.9, 0.25), (0.1, 1.0), (0.9, 1.0)),),
    (((0.1, 0.0), (0.85, 0.0), (0.45, 0.4), (0.9, 0.7), (0.5, 1.0), (0.1, 0.85)),),
    (((0.7, 1.0), (0.7, 0.0), (0.05, 0.65), (0.95, 0.65)),),
    (((0.9, 0.0), (0.15, 0.0), (0.15, 0.45), (0.65, 0.4), (0.9, 0.7), (0.55, 1.0), (0.1, 0.9)),),
    (((0.8, 0.0), (0.25, 0.35), (0.1, 0.75), (0.5, 1.0), (0.9, 0.75), (0.5, 0.5), (0.15, 0.65)),),
    (((0.1, 0.0), (0.9, 0.0), (0.4, 1.0)),),
    (
        ((0.5, 0.0), (0.15, 0.22), (0.5, 0.47), (0.85, 0.22), (0.5, 0.0)),
        ((0.5, 0.47), (0.1, 0.75), (0.5, 1.0), (0.9, 0.75), (0.5, 0.47)),
    ),
    (((0.85, 0.35), (0.5, 0.5), (0.1, 0.25), (0.5, 0.0), (0.9, 0.25), (0.75, 0.65), (0.3, 1.0)),),
)

SHIFTS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # pixels, down and to the right
SLANTS = (-0.15, 0.0, 0.15, 0.3)  # how far the top leans to the right, as a share of the height
WIDTHS = (3.6, 4.2, 4.8)  # pixels; all digits are HEIGHT pixels tall
HEIGHT = 5.6
THICKNESSES = (0.9, 1.2, 1.5)  # pixels
NOISE = 0.05

MIDDLE = (SIZE - 1) / 2  # pixel centres lie at 0, 1, ... 7
MEAN, SPREAD = 0.27, 0.26  # of all pixels

Number = float | np.ndarray

_FREEDOMS = (SHIFTS, SHIFTS, SLANTS, WIDTHS, THICKNESSES)
#: digit -> (N, 4): the ends x0, y0, x1, y1 of its straight lines.
_LINES = tuple(np.array([(*a, *b) for stroke in strokes for a, b in pairwise(stroke)]) for strokes in STROKES)


class Digits(NamedTuple):
    """images: (B, 8, 8, 1) float32, about 0 (paper) to 1 (ink); labels: (B,) int64."""

    images: np.ndarray
    labels: np.ndarray


def digits(n: int, rng: np.random.Generator, held_out: bool = False) -> Digits:
    """n pictures drawn with rng from the styles of training, or from the held-out ones."""
    recipes = _recipes(n, rng, held_out)
    labels = recipes[:, 0].copy()
    style = [np.array(steps)[recipes[:, 1 + i]] for i, steps in enumerate(_FREEDOMS)]
    images = np.empty((n, SIZE, SIZE))
    for digit in range(N_CLASSES):
        mine = labels == digit
        images[mine] = draw(digit, *(value[mine] for value in style))
    ink = rng.uniform(0.6, 1.0, size=(n, 1, 1))
    paper = rng.uniform(0.0, 0.2, size=(n, 1, 1))
    noisy = paper + (ink - paper) * images + NOISE * rng.standard_normal(images.shape)
    return Digits(noisy[..., None].astype("float32"), labels)


def standardised(images: np.ndarray) -> np.ndarray:
    """Pictures of `digits` with mean about 0 and variance about 1, as a network likes to read them."""
    return (images - np.float32(MEAN)) * np.float32(1 / SPREAD)


def draw(
    digit: int,
    down: Number = 0.0,
    right: Number = 0.0,
    slant: Number = 0.0,
    width: Number = 4.2,
    thickness: Number = 1.2,
) -> np.ndarray:
    """Clean pictures of one digit, (..., 8, 8) float64 from 0 (paper) to 1 (ink).

    The freedoms, each a number or an array (...,), are in pixels, the slant in shares of the height.
    """
    down, right, slant, width, thickness = (
        np.asarray(freedom, dtype="float64")[..., None] for freedom in (down, right, slant, width, thickness)
    )
    top, left = MIDDLE - HEIGHT / 2 + down, MIDDLE - width / 2 + right  # (..., 1)
    x0, y0, x1, y1 = _LINES[digit].T  # (N,) each
    start_x, start_y = left + x0 * width + slant * HEIGHT * (0.5 - y0), top + y0 * HEIGHT  # (..., N)
    along_x, along_y = (x1 - x0) * width + slant * HEIGHT * (y0 - y1), (y1 - y0) * HEIGHT
    pixel_y, pixel_x = np.mgrid[:SIZE, :SIZE, :1].astype("float64")[:2]  # (8, 8, 1)
    away_x, away_y = pixel_x - _over_pixels(start_x), pixel_y - _over_pixels(start_y)  # (..., 8, 8, N)
    along_x, along_y = _over_pixels(along_x), _over_pixels(along_y)
    share = (away_x * along_x + away_y * along_y) / (along_x * along_x + along_y * along_y)
    share = np.clip(share, 0.0, 1.0)  # how far along the line its nearest point lies
    distance = np.hypot(away_x - share * along_x, away_y - share * along_y).min(axis=-1)
    return np.clip(thickness[..., None] / 2 - distance + 0.5, 0.0, 1.0)


def _over_pixels(lines: np.ndarray) -> np.ndarray:
    """(..., N) -> (..., 1, 1, N)."""
    return lines[..., None, None, :]


def _recipes(n: int, rng: np.random.Generator, held_out: bool) -> np.ndarray:
    """(n, 6) int64: digit, then which step of each freedom; all on one side of the split."""
    sides = (N_CLASSES, *(len(freedom) for freedom in _FREEDOMS))
    kept = np.empty((0, len(sides)), dtype=np.int64)
    while len(kept) < n:
        drawn = np.stack([rng.integers(side, size=2 * n) for side in sides], axis=1)
        kept = np.concatenate([kept, drawn[is_held_out(drawn) == held_out]])
    return kept[:n]
