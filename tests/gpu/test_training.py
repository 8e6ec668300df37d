"""Training on a device: every loss and model, the numbers of the host; the small tasks; checkpoints that move."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tests.training.test_on_a_device import RUNS, run
from tfx.backend import to_numpy, xp_of
from tfx.train import TaskRun, TaskSettings


@pytest.mark.parametrize("name", RUNS)
def test_three_steps_give_the_numbers_of_the_host(name, xp):
    make, batch, loss, _ = RUNS[name]
    here, there = make(), make()
    there.to_device(xp)
    for one, other in zip(run(there, batch, loss)[0], run(here, batch, loss)[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
    for mine, its in zip(here.parameters().values(), there.parameters().values(), strict=True):
        assert xp_of(its.value) is xp
        np.testing.assert_allclose(to_numpy(its.value), mine.value, rtol=1e-6, atol=1e-8)


def test_a_task_starts_with_the_losses_of_the_host(device):
    settings = TaskSettings("reverse", seed=1, length=6, d_model=16, n_heads=2, d_ff=32, batch=8)
    here, there = ([record.loss for record in islice(TaskRun(settings, one).train(), 5)] for one in ("cpu", device))
    np.testing.assert_allclose(there, here, rtol=1e-4)


def test_a_tiny_task_is_learnt(device):
    settings = TaskSettings(
        "copy", steps=60, length=5, n_symbols=6, d_model=32, n_heads=4, d_ff=64, batch=32, warmup=10
    )
    task = TaskRun(settings, device)
    losses = [record.loss for record in task.train()]
    result = task.evaluate(sequences=200)
    assert losses[-1] < 0.1 * losses[0] and result.solved, result


def test_a_run_goes_on_on_another_device(device, tmp_path):
    settings = TaskSettings("copy", steps=8, length=5, n_symbols=6, d_model=16, n_heads=2, d_ff=32, batch=8)
    whole = TaskRun(settings)
    want = [record.loss for record in whole.train()]
    first = TaskRun(settings, device)
    have = [record.loss for record in islice(first.train(), 4)]
    first.save(tmp_path / "run.npz")
    second = TaskRun(settings)
    assert second.resume(tmp_path / "run.npz") == 4
    have += [record.loss for record in islice(second.train(), 2)]
    second.save(tmp_path / "run.npz")
    third = TaskRun(settings, device)
    assert third.resume(tmp_path / "run.npz") == 6
    have += [record.loss for record in third.train()]
    np.testing.assert_allclose(have, want, rtol=1e-4)
    assert third.evaluate(sequences=50).sequences == 50
