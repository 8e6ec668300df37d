"""The split by hash: the same on every machine, and of the share that is said."""

from __future__ import annotations

import numpy as np

from tfx.data.held_out import HELD_OUT_SHARE, is_held_out, sequence_hash


def test_one_sequence_in_eight_is_held_out():
    drawn = np.random.default_rng(0).integers(10, size=(40_000, 12))
    share, n = 1 / HELD_OUT_SHARE, len(drawn)
    assert abs(is_held_out(drawn).mean() - share) < 4 * np.sqrt(share * (1 - share) / n)


def test_the_hash_is_the_same_on_every_machine_and_depends_on_order():
    assert [f"{h:016x}" for h in sequence_hash(np.array([[1, 2, 3], [3, 2, 1]]))] == [
        f"{reference_hash(row):016x}" for row in ([1, 2, 3], [3, 2, 1])
    ]
    assert len(set(sequence_hash(np.random.default_rng(0).integers(10, size=(5000, 12))).tolist())) == 5000


def reference_hash(symbols: list[int]) -> int:
    """The same in Python's unbounded integers."""
    mask = 2**64 - 1
    h = 0xCBF29CE484222325
    for symbol in symbols:
        h = ((h ^ symbol) * 0x100000001B3) & mask
    h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & mask
    h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & mask
    return h ^ (h >> 31)
