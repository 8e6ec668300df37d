"""`tfx train copy|reverse|sort` as shipped: solved on held-out sequences for several seeds; the control is not."""

from __future__ import annotations

import time

import pytest

from tfx.train import TaskResult, train_task

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("task", ["copy", "reverse", "sort"])
def test_a_task_is_solved_on_held_out_sequences(task, seed):
    began = time.perf_counter()
    *_, result = train_task(task, seed)
    assert isinstance(result, TaskResult) and result.sequences >= 500
    assert result.accuracy == 1.0
    if task == "reverse":
        assert time.perf_counter() - began < 60


@pytest.mark.parametrize("task", ["reverse", "sort"])
def test_without_positions_it_is_not(task):
    *_, result = train_task(task, positions="none")
    assert isinstance(result, TaskResult) and result.accuracy < 0.01
