"""Runs of the small tasks: records, result, checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.data.held_out import is_held_out
from tfx.errors import BadInput
from tfx.io.model_file import save_model
from tfx.io.npz import DamagedFile
from tfx.models import Encoder
from tfx.nn.normalisation import evaluating
from tfx.optim import AdamW
from tfx.train import StepRecord, TaskResult, TaskRun, TaskSettings, train_task
from tfx.train.toys import ToyRun, learn_toy, make_model

TINY: dict[str, Any] = {"length": 6, "n_symbols": 6, "d_model": 16, "n_heads": 4, "d_ff": 16, "batch": 8}


def test_a_run_yields_every_step_and_at_last_the_result():
    *records, result = train_task("copy", steps=4, **TINY)
    assert [record.step for record in records] == [1, 2, 3, 4]
    assert all(isinstance(record, StepRecord) and record.tokens == 8 * 6 for record in records)
    assert isinstance(result, TaskResult)
    assert (result.task, result.steps, result.sequences) == ("copy", 4, 1000)
    assert 0 <= result.accuracy <= result.token_accuracy <= 1


def test_accuracy_counts_whole_sequences_that_are_held_out():
    run = TaskRun(TaskSettings("reverse", steps=1, **TINY))
    asked: list[np.ndarray] = []

    def all_but_one_right(ids: np.ndarray) -> np.ndarray:
        asked.append(ids)
        written = ids[:, ::-1].copy()
        written[0, 2] = (written[0, 2] + 1) % 6
        return written

    run.write = all_but_one_right  # type: ignore[method-assign]
    result = run.evaluate(sequences=200)
    assert len(asked) == 1 and is_held_out(asked[0]).all() and len(np.unique(asked[0], axis=0)) == 200
    assert result.accuracy == pytest.approx(199 / 200) and not result.solved
    assert result.token_accuracy == pytest.approx(1 - 1 / 1200)
    wrong = result.examples[0]
    assert wrong.wanted == wrong.given[::-1] and wrong.written != wrong.wanted


@pytest.mark.parametrize("norm", ["batch_norm", "power_norm"])
def test_evaluation_neither_reads_the_statistics_of_the_held_out_batch_nor_learns_from_it(norm):
    run = TaskRun(TaskSettings("copy", steps=5, **TINY))
    settings = {name: value for name, value in run.model.config.items() if name != "model"}
    run.model = Encoder(**settings | {"norm": norm})
    run.optimizer = AdamW(run.model)
    assert len(list(run.train())) == 5
    before = run.model.state()
    together, apart = run.evaluate(sequences=6, examples=6), []
    run.model.update_buffers()
    assert all(np.array_equal(value, before[name]) for name, value in run.model.state().items())
    with evaluating(run.model):
        for example in together.examples:
            apart.append(tuple(run.write(np.array([example.given]))[0].tolist()))
    assert apart == [example.written for example in together.examples]


def test_a_stopped_and_resumed_run_ends_with_the_same_bits(tmp_path):
    settings = TaskSettings("sort", seed=4, steps=6, **TINY)
    whole = TaskRun(settings)
    whole_records = [record[:5] for record in whole.train()]
    stopped = TaskRun(settings)
    steps = stopped.train()
    next(steps), next(steps)
    steps.close()  # type: ignore[attr-defined]
    stopped.save(tmp_path / "run.npz")
    resumed = TaskRun(settings)
    assert resumed.resume(tmp_path / "run.npz") == 2
    assert [record[:5] for record in resumed.train()] == whole_records[2:]
    whole.save(tmp_path / "a.npz")
    resumed.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_checkpoint_of_other_settings_is_refused_and_changes_nothing(tmp_path):
    TaskRun(TaskSettings("sort", seed=1, **TINY)).save(tmp_path / "run.npz")
    run = TaskRun(TaskSettings("sort", seed=2, **TINY))
    before = run.model.state()
    with pytest.raises(BadInput, match="seed 1 and not 2"):
        run.resume(tmp_path / "run.npz")
    other_size = TaskRun(TaskSettings("sort", seed=1, **TINY | {"d_model": 32}))
    with pytest.raises(BadInput, match="d_model 16 and not 32"):
        other_size.resume(tmp_path / "run.npz")
    save_model(tmp_path / "model.npz", run.model, {})
    with pytest.raises(DamagedFile, match="not a training checkpoint"):
        run.resume(tmp_path / "model.npz")
    assert all(np.array_equal(value, before[name]) for name, value in run.model.state().items())


def test_an_unknown_task_is_bad_input():
    with pytest.raises(BadInput, match='Did you mean "sort"'):
        TaskRun(TaskSettings("sorted"))


def test_a_task_is_learnt_the_way_every_toy_is():
    settings = TaskSettings("reverse", steps=20, **TINY)
    run = TaskRun(settings)
    toy = run.task
    model = make_model(toy, 0, d_model=16, n_heads=4, d_ff=16, positions="sinusoidal")
    other = ToyRun(toy, model, 20, learning_rate=settings.learning_rate, batch=8, warmup=20)
    assert [record.loss for record in run.train()] == [record.loss for record in other.train()]
    learnt = learn_toy(toy, 20, learning_rate=settings.learning_rate, batch=8, d_model=16, d_ff=16)
    assert learnt.losses[0] == pytest.approx(next(iter(TaskRun(settings).train())).loss)
