"""Token-level augmentation: small damages to a sequence after which its meaning should be the same.

    token dropout    each token is replaced by a blank with probability `rate`
    swap             n times, two places of a row exchange their tokens
    span cutoff      one stretch of a row, a share of its length, is blanked

All leave lengths and padding alone, draw everything from `rng`, and return new arrays.
Sources: token dropout: Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text
Classification", section 3.1; swap: Wei and Zou 2019, "EDA", section 2; span cutoff: Shen et al. 2020, "A Simple but
Tough-to-Beat Data Augmentation Approach for Natural Language Understanding and Generation", section 3.2.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

Rng = np.random.Generator


def token_dropout(ids: np.ndarray, rng: Rng, rate: float, blank: int, special: Collection[int] = ()) -> np.ndarray:
    """ids: (B, T) integers -> (B, T).  special: tokens that are never replaced.  Raises ValueError for a bad rate."""
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be between 0 and 1, not {rate}")
    dropped = (rng.random(ids.shape) < rate) & ~np.isin(ids, sorted(special))
    return np.where(dropped, blank, ids)


def swap_tokens(ids: np.ndarray, rng: Rng, n_swaps: int, lengths: np.ndarray | None = None) -> np.ndarray:
    """ids: (B, T) integers -> (B, T): each row a permutation of its first `length` tokens, all unless told.

    The two places of a swap may be the same.  Raises ValueError for a negative number of swaps.
    """
    if n_swaps < 0:
        raise ValueError(f"the number of swaps must be at least 0, not {n_swaps}")
    swapped, rows = ids.copy(), np.arange(len(ids))
    ends = np.full(len(ids), ids.shape[1]) if lengths is None else np.asarray(lengths)
    some = np.maximum(ends, 1)  # an empty row swaps its first place with itself
    for _ in range(n_swaps if ids.size else 0):
        a, b = (np.floor(rng.random(len(ids)) * some).astype(np.int64) for _ in range(2))
        swapped[rows, a], swapped[rows, b] = swapped[rows, b], swapped[rows, a]
    return swapped


def span_cutoff(ids: np.ndarray, rng: Rng, share: float, blank: int, lengths: np.ndarray | None = None) -> np.ndarray:
    """ids: (B, T) integers -> (B, T): in each row one stretch of round(share * length) tokens is blank.

    Every stretch of that size within the length is equally likely.  Raises ValueError for a bad share.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, not {share}")
    ends = np.full(len(ids), ids.shape[1]) if lengths is None else np.asarray(lengths)
    sizes = np.rint(share * ends).astype(np.int64)
    starts = np.floor(rng.random(len(ids)) * (ends - sizes + 1)).astype(np.int64)
    places = np.arange(ids.shape[1])
    cut = (places >= starts[:, None]) & (places < (starts + sizes)[:, None])
    return np.where(cut, blank, ids)
