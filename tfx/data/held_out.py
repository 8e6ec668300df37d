"""Which rows training never sees: decided by a hash of their symbols, not by luck.

A row that is held out never occurs in training, whatever the seeds are, and every machine holds out the same ones.
"""

from __future__ import annotations

import numpy as np

HELD_OUT_SHARE = 8  # one row in eight is held out


def is_held_out(ids: np.ndarray) -> np.ndarray:
    """ids: (B, T) integers -> (B,) bool: True for the rows that training never sees."""
    return sequence_hash(ids) % np.uint64(HELD_OUT_SHARE) == 0


def sequence_hash(ids: np.ndarray) -> np.ndarray:
    """ids: (B, T) integers -> (B,) uint64 that depends on every symbol and its place, the same on every machine.

    FNV-1a over the symbols (Fowler, Noll, Vo), then a final mix (Steele et al. 2014, SplitMix), so that the low bits
    are usable.
    """
    value = np.full(len(ids), 0xCBF29CE484222325, dtype=np.uint64)
    for column in np.asarray(ids).T.astype(np.uint64):
        value = (value ^ column) * np.uint64(0x100000001B3)  # wraps around at 2^64, as meant
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
