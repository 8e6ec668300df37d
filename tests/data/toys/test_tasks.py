"""The small tasks: right answers, and held-out sequences that training never sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfx.data.held_out import is_held_out
from tfx.data.toys.tasks import TASKS, find_task, held_out_sequences, training_sequences
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


def test_a_task_is_a_toy_whose_every_place_is_asked():
    toy = replace(find_task("reverse"), length=5, n_symbols=6)
    assert (toy.kind, toy.n_tokens, toy.n_answers) == ("label", 6, 6)
    for held_out in (False, True):
        drawn = toy.draw(40, np.random.default_rng(0), held_out)
        assert drawn.ids.shape == (40, 5) and drawn.asked.all()
        assert np.array_equal(drawn.targets, drawn.ids[:, ::-1])
        assert (is_held_out(drawn.ids) == held_out).all()
