"""`tfx train` trains, judges on held-out sequences, and its exit code says whether the task is solved."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.running import one_sentence, run
from tfx_cli.commands.train import Positions, complete_task
from tfx_cli.terminal.interrupt import asked_to_stop


def test_the_names_for_tab_are_the_tasks_of_the_library():
    from tfx.data.toys.tasks import TASKS

    assert complete_task("") == list(TASKS)
    assert complete_task("s") == ["sort"]


def test_the_positions_offered_are_names_of_the_library_and_its_default_is_ours():
    from tfx.nn.positions import KINDS
    from tfx.train import TaskSettings

    assert set(Positions) <= set(KINDS)
    assert TaskSettings("copy").positions == Positions.sinusoidal


def test_copy_is_solved_and_exits_0(tmp_path):
    ran = run("train", "copy", "--json", home=tmp_path)
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    assert told["solved"] and told["accuracy"] == 1.0 and told["sequences"] == 1000
    assert all(example["right"] and example["written"] == example["wanted"] for example in told["examples"])
    assert told["rows"][0]["loss"] > told["rows"][-1]["loss"] and told["rows"][-1]["step"] == told["steps"]
    assert (tmp_path / "trained" / "copy.npz").is_file()


def test_reverse_without_positions_is_not_solved_exits_1_and_says_why(tmp_path):
    ran = run("train", "reverse", "--positions", "none", "--steps", "60", home=tmp_path)
    assert ran.code == 1
    assert "FAIL" in ran.out
    assert ran.err.splitlines()[-1] == "     Give it positions: tfx train reverse --steps 60"
    assert "without positions equal symbols look the same wherever they stand." in ran.err


def test_equal_seeds_give_equal_documents(tmp_path):
    one, two, other = (
        json.loads(run("train", "sort", "--steps", "5", "--json", "--seed", seed, home=tmp_path).out)
        for seed in ("4", "4", "5")
    )
    for told in (one, two, other):
        assert told.pop("elapsed_s") > 0
    assert one == two
    assert one["rows"] != other["rows"]


def test_the_loss_curve_is_saved_where_it_was_asked_for_and_is_the_same_again(tmp_path):
    pictures = []
    for name in ("a.png", "b.png"):
        ran = run("train", "copy", "--steps", "3", "--json", "--plot", name, home=tmp_path)
        assert ran.code == 1
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0].startswith(b"\x89PNG") and pictures[0] == pictures[1]


def test_resume_without_a_checkpoint_is_bad_input(tmp_path):
    ran = run("train", "copy", "--resume", "--out", "none.npz", home=tmp_path)
    assert ran.code == 2 and "none.npz" in one_sentence(ran)


def test_resume_with_other_settings_is_bad_input_and_keeps_the_checkpoint(tmp_path):
    run("train", "copy", "--steps", "3", "--out", "run.npz", home=tmp_path)
    before = (tmp_path / "run.npz").read_bytes()
    ran = run("train", "copy", "--steps", "3", "--seed", "1", "--resume", "--out", "run.npz", home=tmp_path)
    assert ran.code == 2 and "seed" in one_sentence(ran)
    assert (tmp_path / "run.npz").read_bytes() == before


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    (tmp_path / "run.npz").write_bytes(b"PK no longer")
    ran = run("train", "copy", "--resume", "--out", "run.npz", home=tmp_path)
    assert ran.code in (2, 3) and "run.npz" in one_sentence(ran)


def test_ctrl_c_is_noted_once_and_the_second_one_stops_at_once():
    before = signal.getsignal(signal.SIGINT)
    with asked_to_stop() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "positions"), [("reverse", "sinusoidal"), ("reverse", "learned"), ("sort", "learned")]
)
def test_a_task_with_positions_is_solved(tmp_path, task, positions):
    ran = run("train", task, "--positions", positions, "--json", home=tmp_path)
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["accuracy"] == 1.0


@pytest.mark.slow
def test_reverse_without_positions_stays_unsolved_after_all_its_steps(tmp_path):
    ran = run("train", "reverse", "--positions", "none", "--json", home=tmp_path)
    assert ran.code == 1 and json.loads(ran.out)["accuracy"] < 0.01
