"""Sweeps: workers give the rows that one process gives, and a lost worker costs no more than its task."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from tests.lab import counting
from tfx.errors import BadInput, EnvironmentProblem
from tfx.lab import experiment_module, experiments, frame
from tfx.lab.kept_rows import KeptRows, Piece
from tfx.lab.sweep import Task, keys_of, measure_key, share
from tfx.lab.workers import ClusterWorkers, LocalWorkers

SETTINGS = counting.Settings()


class InTurn:
    """Workers that are this process, the last task first; `stops_after` so many it is Ctrl-C."""

    def __init__(self, stops_after=None):
        self.stops_after, self.done = stops_after, []

    def run(self, tasks):
        for task in reversed(list(tasks)):
            if len(self.done) == self.stops_after:
                raise KeyboardInterrupt
            self.done.append(task.key)
            yield task, measure_key(task)


def swept(tmp_path, workers, settings=SETTINGS, go_on=False):
    kept = KeptRows(tmp_path / "kept.jsonl", go_on)
    return frame.run(counting, settings, 3, kept=kept, workers=lambda this: share(counting, this, workers))


def said(result, *but):
    return [{key: value for key, value in row.items() if key not in ("process", *but)} for row in result.rows]


ALONE = frame.run(counting, SETTINGS, 3)


def test_the_rows_are_those_of_one_process_in_its_order(tmp_path):
    found = swept(tmp_path, InTurn())
    assert said(found) == said(ALONE) and found.checks == ALONE.checks


def test_what_ctrl_c_left_is_told_and_gone_on_with(tmp_path):
    with pytest.raises(frame.Stopped) as stop:
        swept(tmp_path, InTurn(stops_after=2))
    assert said(stop.value.result) == said(ALONE)[4:] and "2 of 6 pieces" in str(stop.value)
    rest = InTurn()
    found = swept(tmp_path, rest, go_on=True)
    assert said(found) == said(ALONE) and rest.done == ["3", "2", "1", "0"]


#: Their rows are cases of one input, layers of one stack, or times of one sitting.
ONE_PIECE = {"masking", "attention-collapse", "complexity", "layer-costs"}


@pytest.mark.parametrize("name", experiments())
def test_an_experiment_says_its_keys_before_it_measures_or_that_it_is_one_piece(name):
    module = experiment_module(name)
    this = frame.prepare(module, module.Settings(), quick=True)
    if name in ONE_PIECE:
        with pytest.raises(BadInput, match="depend on each other"):
            keys_of(module, this)
        return
    keys = keys_of(module, this)
    assert len(set(keys)) == len(keys) >= 1


def test_rows_that_depend_on_each_other_are_not_shared_out(monkeypatch):
    monkeypatch.setattr(counting, "rows", lambda run: iter([{"key": 0}]))
    with pytest.raises(BadInput, match="depend on each other"):
        keys_of(counting, frame.prepare(counting, SETTINGS))


def test_a_key_that_is_not_there_is_told():
    with pytest.raises(LookupError, match="no key 99"):
        measure_key(Task(counting.__name__, SETTINGS, 0, False, False, "99"))


def test_processes_give_the_same_rows_and_a_killed_one_loses_its_task_alone(tmp_path):
    settings = replace(SETTINGS, dies_at=2, mark=str(tmp_path / "died"))
    found = swept(tmp_path, LocalWorkers(2), settings)
    assert said(found) == said(ALONE) and (tmp_path / "died").exists()
    processes = {row["process"] for row in found.rows}
    assert os.getpid() not in processes and 1 < len(processes) <= 3


def test_a_task_that_ends_every_worker_is_given_up(tmp_path):
    with pytest.raises(EnvironmentProblem, match="3 times while it measured 1"):
        swept(tmp_path, LocalWorkers(1), replace(SETTINGS, top=2, dies_at=1))


def test_ctrl_c_ends_the_processes_at_once(tmp_path):
    """While they still have a minute to wait, and what was done is kept."""

    class Impatient(LocalWorkers):
        def run(self, tasks):
            tasks = list(tasks)
            quick, slow = tasks[:1], [task._replace(settings=replace(SETTINGS, waits=60.0)) for task in tasks[1:]]
            for index, done in enumerate(super().run([*quick, *slow])):
                assert index == 0
                yield done
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(frame.Stopped) as stop:
        swept(tmp_path, Impatient(2))
    assert said(stop.value.result) == said(ALONE)[:1]
    assert KeptRows(tmp_path / "kept.jsonl", True).kept == 1


@pytest.fixture(scope="module")
def scheduler():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.filterwarnings("ignore")
def test_a_dask_scheduler_with_two_workers_gives_the_same_rows_though_one_is_killed(tmp_path, scheduler):
    settings = replace(SETTINGS, dies_at=2, mark=str(tmp_path / "died"))
    found = swept(tmp_path, ClusterWorkers(scheduler), settings)
    assert said(found) == said(ALONE) and (tmp_path / "died").exists()
    assert os.getpid() not in {row["process"] for row in found.rows}


@pytest.mark.filterwarnings("ignore")
def test_an_address_where_no_scheduler_is_is_told():
    pytest.importorskip("distributed")
    with pytest.raises(EnvironmentProblem, match="no Dask scheduler answers"):
        list(ClusterWorkers("nonsense://127.0.0.1:1").run([]))


def test_a_kept_piece_is_found_by_its_key(tmp_path):
    kept = KeptRows(tmp_path / "kept.jsonl")
    kept.keep_as("(1, 2)", Piece([{"a": 1}], ()))
    assert kept.find((1, 2)) and KeptRows(tmp_path / "kept.jsonl", True).find((1, 2))
