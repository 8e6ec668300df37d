"""Keys or values of tokens that were read already, in front of those of new tokens."""

from __future__ import annotations

from tfx.backend import Array, xp_of


def join_tokens(past: Array, new: Array) -> Array:
    """past: (..., M, D), new: (..., S, D) -> (..., M + S, D).  Leading axes of length 1 are broadcast to those of new.

    Raises ValueError when they do not fit.
    """
    xp = xp_of(new)
    lead = list(zip(past.shape[-3::-1], new.shape[-3::-1], strict=False))
    if past.shape[-1] != new.shape[-1] or past.ndim > new.ndim or any(a not in (1, b) for a, b in lead):
        raise ValueError(f"past keys or values {past.shape} do not fit the new ones, {new.shape}")
    past = xp.broadcast_to(past, (*new.shape[:-2], *past.shape[-2:]))
    return xp.concatenate((past, new), axis=-2)
