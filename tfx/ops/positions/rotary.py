"""Rotary position embedding (RoPE): queries and keys are turned by an angle that grows with their position.

    pair i of a vector at position m is turned by the angle a = m w_i, with w_i = base^(-2i / D):

    y1 = x1 cos a - x2 sin a
    y2 = x2 cos a + x1 sin a              as complex numbers: y1 + i y2 = (x1 + i x2) e^(i a)

A rotation keeps lengths, and the dot product of two turned vectors depends only on the difference of their angles:
turn(q, m) . turn(k, n) = turn(q, m - n) . k.  So the scores see distances, nothing is added to the embeddings, and the
values stay as they are.  At position 0 nothing happens.

Which two features are a pair is a convention, and checkpoints come in both:

    "pairs"    (x0, x1), (x2, x3), ...               neighbours; the paper, GPT-J
    "halves"   (x0, x_r/2), (x1, x_r/2+1), ...       first half with second half; GPT-NeoX, Llama in Hugging Face

They are the same up to one fixed permutation of the features (`pairs_to_halves`), which the maps before can absorb.
Mixing them up gives a model that runs and is wrong.  Only the first r features may be turned; the rest pass unchanged.

Derivation.  A rotation is a linear map whose transpose is its inverse, so the backward is the rotation by -a: the same
function with sin replaced by -sin.
Sources: Su et al. 2021, "RoFormer", section 3.2, equations 14, 15 and 34; turning a part: Black et al. 2022,
"GPT-NeoX-20B", section 2.1; for images, an axis each: Heo et al. 2024, "Rotary Position Embedding for Vision
Transformer", section 3.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.positions.sinusoids import angular_speeds

LAYOUTS = ("halves", "pairs")


class RotaryCache(NamedTuple):
    cos: Array
    sin: Array
    layout: str


def rotary_tables(
    positions: Array, width: int, base: float = 10000.0, dtype: Any = "float64", xp: Any = None
) -> tuple[Array, Array]:
    """positions: (..., n) numbers -> cos, sin: (..., n, r / 2), r = width, computed in float64 and then cast to dtype.

    positions may differ from sequence to sequence, start after stored keys, or be fractions.  xp: where the tables are
    made, where the positions are unless told.  Raises ValueError unless the width is even and positive.
    """
    if width < 2 or width % 2:
        raise ValueError(f"features are turned in pairs, so the rotary width must be even and positive, not {width}")
    xp = xp_of(positions) if xp is None else xp
    angles = xp.asarray(positions)[..., None] * angular_speeds(width, base, xp)
    return xp.cos(angles).astype(dtype), xp.sin(angles).astype(dtype)


def axial_rotary_tables(
    n_rows: int, n_columns: int, width: int, base: float = 100.0, dtype: Any = "float64", xp: Any = np
) -> tuple[Array, Array]:
    """-> cos, sin: (n_rows * n_columns, D / 2) for the places of an image, row by row.

    Half of the pairs turn with the row of a place, the others with its column: scores see the distance on each axis.
    The base is 100, because images are short.  Raises ValueError unless 4 divides the width.
    """
    if width < 4 or width % 4:
        raise ValueError(f"rows and columns need whole pairs each, so 4 must divide the width, not {width}")
    place = xp.arange(n_rows * n_columns)
    of_rows = rotary_tables(place // max(n_columns, 1), width // 2, base, dtype, xp)
    of_columns = rotary_tables(place % max(n_columns, 1), width // 2, base, dtype, xp)
    cos, sin = (xp.concatenate(both, axis=-1) for both in zip(of_rows, of_columns, strict=True))
    return cos, sin


@in_float32
def rotary_forward(x: Array, cos: Array, sin: Array, layout: str = "halves") -> tuple[Array, RotaryCache]:
    """x: (..., T, D), cos, sin: broadcastable to (..., T, r / 2) with r <= D -> y: (..., T, D) in x's dtype, cache.

    For x: (B, H, T, D), tables (T, r / 2) serve every sequence and (B, 1, T, r / 2) have positions of their own.
    Raises ValueError for another layout or for tables that do not fit.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
    if cos.shape != sin.shape:
        raise ValueError(f"the table of cosines is {cos.shape} but that of sines is {sin.shape}")
    if 2 * cos.shape[-1] > x.shape[-1]:
        raise ValueError(f"x has width {x.shape[-1]} but the tables turn {2 * cos.shape[-1]} features")
    if not _fits(cos.shape[:-1], x.shape[:-1]):
        raise ValueError(f"tables {cos.shape} do not broadcast to the positions of x {x.shape}")
    return _turn(x, cos, sin, layout), RotaryCache(cos, sin, layout)


@in_float32
def rotary_backward(dy: Array, cache: RotaryCache) -> Array:
    """dy: (..., T, D) -> dx: (..., T, D).  The tables are computed, so they have no gradient."""
    cos, sin, layout = cache
    return _turn(dy, cos, -sin, layout)  # y = x turned by a; the transpose of a rotation turns by -a


def pairs_to_halves(width: int, rotary_width: int | None = None, xp: Any = np) -> Array:
    """-> order: (D,) integers; x[..., order] has in halves what x has in pairs.

    So halves(x[..., order]) == pairs(x)[..., order].  rotary_width: r, the whole width unless told.
    """
    r = width if rotary_width is None else rotary_width
    return xp.concatenate((xp.arange(0, r, 2), xp.arange(1, r, 2), xp.arange(r, width)))


def _turn(x: Array, cos: Array, sin: Array, layout: str) -> Array:
    half = cos.shape[-1]
    r = 2 * half
    first, second = (slice(0, half), slice(half, r)) if layout == "halves" else (slice(0, r, 2), slice(1, r, 2))
    x1, x2 = x[..., first], x[..., second]
    y = xp_of(x).empty_like(x)
    y[..., first] = x1 * cos - x2 * sin
    y[..., second] = x2 * cos + x1 * sin
    y[..., r:] = x[..., r:]
    return y


def _fits(lead: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether `lead` broadcasts to `target`."""
    if len(lead) > len(target):
        return False
    return all(n in (1, m) for n, m in zip(reversed(lead), reversed(target), strict=False))
