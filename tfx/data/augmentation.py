"""More training texts out of few: changes that keep the label.

    token level   delete, exchange or mask single tokens at random           Wei and Zou 2019, "EDA"
    span cutoff   blank out one run of neighbours, ids or embeddings          Shen et al. 2020, "A Simple but
                                                                             Tough-to-Beat Data Augmentation"

They teach that no single word decides, and are wrong where one does: whoever deletes "not" changes the label.  Which
tokens may be touched is therefore for the caller to say.
"""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator


def mask_tokens(
    ids: np.ndarray, rate: float, filler: int, rng: Rng, may_change: np.ndarray | None = None
) -> np.ndarray:
    """ids: (B, T) -> a copy in which each token is the filler with probability `rate`.  may_change: (B, T) bool."""
    hit = rng.random(ids.shape) < rate
    return np.where(hit if may_change is None else hit & may_change, filler, ids)


def delete_tokens(ids: np.ndarray, rate: float, filler: int, rng: Rng) -> np.ndarray:
    """ids: (B, T) -> each token deleted with probability `rate`; the rest moves up and fillers stand at the end."""
    keep = rng.random(ids.shape) >= rate
    order = np.argsort(~keep, axis=1, kind="stable")
    moved = np.take_along_axis(ids, order, axis=1)
    return np.where(np.arange(ids.shape[1]) < keep.sum(axis=1, keepdims=True), moved, filler)


def swap_tokens(ids: np.ndarray, n_swaps: int, rng: Rng) -> np.ndarray:
    """ids: (B, T) -> in each row n_swaps times two tokens exchanged, at places drawn at random."""
    swapped, rows = ids.copy(), np.arange(len(ids))
    for _ in range(n_swaps):
        i, j = rng.integers(ids.shape[1], size=(2, len(ids)))
        swapped[rows, i], swapped[rows, j] = swapped[rows, j], swapped[rows, i]
    return swapped


def replace_tokens(ids: np.ndarray, rate: float, synonyms: np.ndarray, rng: Rng) -> np.ndarray:
    """ids: (B, T); synonyms: (V, n), tokens of the same meaning -> each token replaced with probability `rate`."""
    chosen = synonyms[ids, rng.integers(synonyms.shape[1], size=ids.shape)]
    return np.where(rng.random(ids.shape) < rate, chosen, ids)


def span_cutoff(n_rows: int, length: int, share: float, rng: Rng) -> np.ndarray:
    """-> (n_rows, length) bool: False for a run of round(share length) neighbours, at a place drawn for each row.

    Multiply embeddings by it, or write a filler there.  Raises ValueError for a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share to cut must be 0 to 1, not {share}")
    width = round(share * length)
    begin = rng.integers(length - width + 1, size=(n_rows, 1))
    place = np.arange(length)
    return (place < begin) | (place >= begin + width)
