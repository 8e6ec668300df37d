"""Masks for methods that cannot block single scores, because they never make them: a key takes part, or it does not."""

from __future__ import annotations

from tfx.backend import Array, on_host, xp_of
from tfx.efficient.tiles import diagonal_tile
from tfx.ops.attention.masks import Mask


def key_mask(mask: Mask, n_queries: int, n_keys: int, causal: bool = False) -> Array | None:
    """mask: broadcastable to (..., T, S) -> (..., S) boolean, True = the key takes part; None when all of them do.

    Its rows must be equal; when causal, equal but for what lies above the diagonal, so that the mask of a language
    model may be handed over as it is.  The last row then shows all keys.
    Raises ValueError when the rows say something else (checked on the host; a card would have to wait for it).
    """
    if mask is None or not n_queries:
        return None
    if mask.ndim < 2:
        return mask.reshape(-1)
    if mask.shape[-2] == 1:
        return mask[..., 0, :]
    last = mask[..., -1, :]
    if on_host(mask):
        rows = last[..., None, :]
        if causal:
            rows = rows & diagonal_tile(slice(0, n_queries), slice(0, n_keys), n_keys - n_queries)
        if not bool((mask == rows).all()):
            diagonal = " above the diagonal" if causal else ""
            raise ValueError(f"no scores are made, so the mask must block each key for all queries or none{diagonal}")
    return last


def blocked_to_zero(x: Array, keys: Array | None) -> Array:
    """x: (..., S, D) with rows of zeros where `keys`, (..., S), is False.  It is its own backward."""
    return x if keys is None else xp_of(x).where(keys[..., None], x, 0).astype(x.dtype)
