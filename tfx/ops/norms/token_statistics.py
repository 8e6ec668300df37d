"""Which tokens of a batch count, with padding left out: what batch statistics are made of."""

from __future__ import annotations

import math

from tfx.backend import Array, xp_of
from tfx.ops.attention.masks import Mask


def check_keep(keep: Mask, x: Array) -> Array | None:
    """keep: (...,) bool, True = this token counts, for x: (..., C) -> (..., 1), where x lives; None stays None.

    Raises TypeError when it is not boolean, ValueError when it does not fit.
    """
    if keep is None:
        return None
    if keep.dtype != bool:
        raise TypeError(f"keep must be boolean, not {keep.dtype}")
    if keep.shape != x.shape[:-1]:
        raise ValueError(f"keep is {keep.shape} but the tokens are {x.shape[:-1]}")
    return xp_of(x).asarray(keep)[..., None]


def check_features(x: Array, **parameters: Array | None) -> None:
    """Raises ValueError for a parameter that is not (C,) where x is (..., C)."""
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != x.shape[-1:]:
            raise ValueError(f"x has width {x.shape[-1]} but {name} is {parameter.shape}")


def kept(x: Array, keep: Mask) -> Array:
    """x with 0 for every token that does not count, whatever stood there."""
    return x if keep is None else xp_of(x).where(keep, x, 0).astype(x.dtype)


def count_tokens(x: Array, keep: Mask) -> Array | int:
    """How many tokens of x: (..., C) count, and 1 for none."""
    if keep is None:
        return max(math.prod(x.shape[:-1]), 1)
    return xp_of(x).maximum(keep.sum(), 1).astype(x.real.dtype)
