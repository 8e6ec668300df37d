"""Three small tasks with exact answers: copy, reverse, sort.

The input is a sequence of symbols 0 .. n_symbols - 1, the target another of the same length, one symbol per place.

- copy needs no other place: the answer stands where it is asked for.
- reverse needs exactly one other place, known by its number alone: impossible without positions.
- sort needs all places (how many are smaller?) and the number of its own.

Sequences are split into training and held-out ones by a hash of their symbols, not by luck: a held-out sequence
never occurs in training, whatever the seeds are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfx.arguments import whole_number
from tfx.errors import unknown_name

HELD_OUT_SHARE = 8  # one sequence in eight is held out


@dataclass(frozen=True)
class Task:
    """A name, what it asks in one line, and the function from inputs (B, T) to targets (B, T)."""

    name: str
    question: str
    answer: Callable[[np.ndarray], np.ndarray]


TASKS = {
    task.name: task
    for task in (
        Task("copy", "write each symbol where it stands", lambda ids: ids.copy()),
        Task("reverse", "write the sequence from back to front", lambda ids: ids[:, ::-1].copy()),
        Task("sort", "write the symbols in increasing order", lambda ids: np.sort(ids, axis=1)),
    )
}


def find_task(name: str) -> Task:
    """The task called `name`; raises BadInput with the nearest name when there is none."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS, "tfx train --help")
    return TASKS[name]


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


def is_held_out(ids: np.ndarray) -> np.ndarray:
    """ids: (B, T) -> (B,) bool: True for the sequences that training never sees."""
    return sequence_hash(ids) % np.uint64(HELD_OUT_SHARE) == 0


def training_sequences(rng: np.random.Generator, batch: int, length: int, n_symbols: int) -> np.ndarray:
    """(batch, length) int64 drawn uniformly from the sequences that are not held out."""
    return _draw(rng, batch, length, n_symbols, held_out=False)


def held_out_sequences(rng: np.random.Generator, batch: int, length: int, n_symbols: int) -> np.ndarray:
    """(batch, length) int64, all different, drawn uniformly from the held-out sequences.

    Raises ValueError when there may be too few of them.
    """
    if n_symbols**length < 4 * HELD_OUT_SHARE * batch:
        raise ValueError(f"{n_symbols} symbols at length {length} give too few sequences to hold out {batch}")
    found = np.empty((0, length), dtype=np.int64)
    while len(found) < batch:
        more = np.concatenate([found, _draw(rng, batch, length, n_symbols, held_out=True)])
        found = more[np.sort(np.unique(more, axis=0, return_index=True)[1])]
    return found[:batch]


def _draw(rng: np.random.Generator, batch: int, length: int, n_symbols: int, held_out: bool) -> np.ndarray:
    for name, size in (("batch", batch), ("length", length), ("n_symbols", n_symbols)):
        whole_number(name, size, 1)
    kept: list[np.ndarray] = []
    while sum(map(len, kept)) < batch:
        drawn = rng.integers(n_symbols, size=(batch * (HELD_OUT_SHARE if held_out else 2), length))
        kept.append(drawn[is_held_out(drawn) == held_out])
    return np.concatenate(kept)[:batch]
