"""Three tasks with exact answers: copy, reverse, sort.

The input is a sequence of symbols 0 .. n_symbols - 1, the target another of the same length, one symbol per place.

- copy needs no other place: the answer stands where it is asked for.
- reverse needs exactly one other place, known by its number alone: impossible without positions.
- sort needs all places (how many are smaller?) and the number of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfx.arguments import whole_number
from tfx.data.held_out import HELD_OUT_SHARE
from tfx.data.toys.task_names import TASK_NAMES
from tfx.data.toys.toy import LabelToy, Places, Rng, one_side
from tfx.errors import unknown_name


@dataclass(frozen=True)
class Task(LabelToy):
    """A name, what it asks in one line, and the function from inputs (B, T) to targets (B, T)."""

    name: str
    question: str
    answer: Callable[[np.ndarray], np.ndarray]
    length: int = 12
    n_symbols: int = 10

    @property
    def n_tokens(self) -> int:
        return self.n_symbols

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length); asked everywhere.  Held-out rows are all different.

        Raises ValueError when there may be too few held-out rows.
        """
        sequences = held_out_sequences if held_out else training_sequences
        ids = sequences(rng, n, self.length, self.n_symbols)
        return Places(ids, self.answer(ids), np.ones(ids.shape, dtype=bool))


TASKS = {
    task.name: task
    for task in (
        Task("copy", TASK_NAMES["copy"], lambda ids: ids.copy()),
        Task("reverse", TASK_NAMES["reverse"], lambda ids: ids[:, ::-1].copy()),
        Task("sort", TASK_NAMES["sort"], lambda ids: np.sort(ids, axis=1)),
    )
}


def find_task(name: str) -> Task:
    """The task called `name`; raises BadInput with the nearest name when there is none."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS, "tfx train")
    return TASKS[name]


def training_sequences(rng: Rng, batch: int, length: int, n_symbols: int) -> np.ndarray:
    """(batch, length) int64 drawn uniformly from the sequences that are not held out."""
    return _draw(rng, batch, length, n_symbols, held_out=False)


def held_out_sequences(rng: Rng, batch: int, length: int, n_symbols: int) -> np.ndarray:
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


def _draw(rng: Rng, batch: int, length: int, n_symbols: int, held_out: bool) -> np.ndarray:
    for name, size in (("batch", batch), ("length", length), ("n_symbols", n_symbols)):
        whole_number(name, size, 1)
    spare = 1 if held_out else 2  # twice as many as wanted: nearly always enough in one draw

    def uniform(n: int, rng: Rng) -> tuple[np.ndarray]:
        return (rng.integers(n_symbols, size=(spare * n, length)),)

    (ids,) = one_side(batch, rng, held_out, uniform)
    return ids
