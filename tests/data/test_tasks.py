"""The small tasks: right answers, and held-out sequences that training never sees."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.data.tasks import (
    HELD_OUT_SHARE,
    TASKS,
    find_task,
    held_out_sequences,
    is_held_out,
    sequence_hash,
    training_sequences,
)
from tfx.errors import BadInput


def test_the_answers_are_right():
    ids = np.array([[3, 1, 2, 1], [0, 9, 9, 4]])
    answers = {name: task.answer(ids).tolist() for name, task in TASKS.items()}
    assert answers == {
        "copy": [[3, 1, 2, 1], [0, 9, 9, 4]],
        "reverse": [[1, 2, 1, 3], [4, 9, 9, 0]],
        "sort": [[1, 1, 2, 3], [0, 4, 9, 9]],
    }
    assert ids.tolist() == [[3, 1, 2, 1], [0, 9, 9, 4]]


def test_a_held_out_sequence_never_occurs_in_training():
    everything = {(a, b, c, d) for a in range(4) for b in range(4) for c in range(4) for d in range(4)}
    held_out = {s for s in everything if is_held_out(np.array([s]))[0]}
    trained = {
        tuple(row) for seed in range(4) for row in training_sequences(np.random.default_rng(seed), 2000, 4, 4).tolist()
    }
    assert trained == everything - held_out  # 8000 draws of 220: all that may occur do, and nothing else
    tested = {tuple(row) for row in held_out_sequences(np.random.default_rng(0), 8, 4, 4).tolist()}
    assert len(tested) == 8 and tested <= held_out


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


def test_the_same_seed_gives_the_same_sequences():
    for draw in (training_sequences, held_out_sequences):
        first, same, other = (draw(np.random.default_rng(seed), 50, 6, 5) for seed in (1, 1, 2))
        assert np.array_equal(first, same) and not np.array_equal(first, other)
        assert first.shape == (50, 6)


def test_too_few_sequences_to_hold_out_are_refused():
    with pytest.raises(ValueError, match="too few"):
        held_out_sequences(np.random.default_rng(0), 500, 3, 4)


def test_an_unknown_task_names_the_nearest():
    with pytest.raises(BadInput, match='Did you mean "reverse"'):
        find_task("revers")
