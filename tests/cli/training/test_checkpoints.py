"""Models on disk: names that tell settings apart, nothing written over, and a run found again by its settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.running import one_sentence
from tfx.errors import BadInput
from tfx.train import TaskRun, TaskSettings
from tfx_cli.training.checkpoints import (
    Kept,
    changes,
    command_of,
    file_name,
    keep,
    model_folder,
    read,
    saved_runs,
    to_go_on,
    to_try,
)

COPY = TaskSettings("copy", steps=150)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def trained(settings: TaskSettings, steps: int | None = None) -> TaskRun:
    """A run after so many steps: the first two of it, unless told."""
    run = TaskRun(settings)
    for record in run.train():
        if record.step == (steps or 2):
            break
    return run


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (COPY, "copy.npz"),
        (replace(COPY, positions="none"), "copy-positions-none.npz"),
        (replace(COPY, seed=3), "copy-seed-3.npz"),
        (replace(COPY, seed=3, positions="learned", steps=7), "copy-positions-learned-seed-3-steps-7.npz"),
        (TaskSettings("sort", steps=150), "sort-steps-150.npz"),
    ],
)
def test_a_name_says_what_differs_from_the_tasks_own_settings(settings, name):
    assert file_name(settings) == name


def test_the_command_has_what_differs_and_nothing_else():
    assert command_of(COPY) == "tfx train copy"
    other = replace(COPY, positions="none", seed=2)
    assert changes(other) == {"positions": "none", "seed": "2"}
    assert command_of(other, "--resume") == "tfx train copy --positions none --seed 2 --resume"
    told = command_of(COPY, "--try", "3 1 4", out=Path("my run.npz"))
    assert told == "tfx train copy --try '3 1 4' --out 'my run.npz'"


def test_a_file_says_what_it_is():
    path = model_folder() / "copy.npz"
    trained(COPY).save(path)
    assert read(path) == (path, COPY, 2)
    assert not read(path).is_finished
    trained(replace(COPY, steps=2)).save(path)
    assert read(path).is_finished


def test_the_same_run_again_is_not_kept_twice_and_another_gets_a_number():
    wanted = model_folder() / "run.npz"
    assert keep(trained(COPY), wanted) == Kept(wanted)
    first = wanted.read_bytes()
    assert keep(trained(COPY), wanted) == Kept(wanted, same=True)
    other = keep(trained(replace(COPY, seed=1)), wanted)
    assert other == Kept(wanted.with_name("run-2.npz"), taken="run.npz holds a run with seed 0 and not 1")
    longer = keep(trained(COPY, steps=3), wanted)
    assert longer == Kept(wanted.with_name("run-3.npz"), taken="run.npz holds this run after step 2")
    assert keep(trained(replace(COPY, seed=1)), wanted) == Kept(wanted.with_name("run-2.npz"), same=True)
    assert wanted.read_bytes() == first
    assert sorted(path.name for path in model_folder().iterdir()) == ["run-2.npz", "run-3.npz", "run.npz"]


def test_what_is_no_checkpoint_is_not_written_over_either():
    wanted = model_folder() / "run.npz"
    wanted.write_bytes(b"mine")
    assert keep(trained(COPY), wanted).taken == "run.npz holds something else"
    assert wanted.read_bytes() == b"mine"


def test_a_run_is_found_by_its_settings_whatever_its_name():
    old_name = model_folder() / "copy.npz"
    none = replace(COPY, positions="none")
    trained(none).save(old_name)
    assert to_go_on(none, None) == old_name
    assert to_try(none, None, "1").path == old_name
    (model_folder() / "broken.npz").write_bytes(b"PK")
    (model_folder() / "copy-seed-9.npz").write_bytes(b"")
    assert [saved.path for saved in saved_runs("copy")] == [old_name]
    assert saved_runs("sort") == []


def test_resume_takes_the_run_that_is_not_finished_and_try_the_one_that_was_trained_most():
    two = replace(COPY, steps=3)
    trained(two).save(model_folder() / "b.npz")
    trained(two, steps=3).save(model_folder() / "a.npz")
    assert to_go_on(two, None).name == "b.npz"
    assert to_try(two, None, "1").path.name == "a.npz"


def test_when_there_are_only_others_the_right_command_is_named():
    with pytest.raises(BadInput) as nothing:
        to_go_on(COPY, None)
    assert nothing.value.message == "no run of copy is saved, so there is nothing to go on from."
    assert nothing.value.hint == "Start: tfx train copy"
    trained(replace(COPY, positions="none")).save(model_folder() / "copy-positions-none.npz")
    with pytest.raises(BadInput) as one:
        to_go_on(COPY, None)
    assert one.value.message == "no run of copy with these settings is saved, but copy-positions-none.npz is."
    assert one.value.hint == "Go on with it: tfx train copy --positions none --resume"
    trained(replace(COPY, seed=4)).save(model_folder() / "copy-seed-4.npz")
    with pytest.raises(BadInput) as two:
        to_try(COPY, None, "3 1")
    assert two.value.message == (
        "no model of copy with these settings is trained, but copy-seed-4.npz and copy-positions-none.npz are."
    )
    assert two.value.hint == (
        "Train it: tfx train copy   or try: tfx train copy --seed 4 --try '3 1'"
        "   or: tfx train copy --positions none --try '3 1'"
    )


def test_a_file_that_was_named_is_taken_with_its_own_settings_or_refused_with_the_command():
    path = model_folder() / "mine.npz"
    none = replace(COPY, positions="none")
    trained(none).save(path)
    assert to_try(COPY, path, "1").settings == none
    with pytest.raises(BadInput) as resumed:
        to_go_on(COPY, path)
    assert resumed.value.message == f"{path} is from a run with positions none and not sinusoidal."
    assert resumed.value.hint == f"Go on with it: tfx train copy --positions none --resume --out {path}"
    with pytest.raises(BadInput) as other:
        to_try(TaskSettings("sort", steps=1600), path, "1")
    assert other.value.message == f"{path} was trained for copy, not for sort."
    assert other.value.hint == f"Try: tfx train copy --try 1 --out {path}"


def test_two_settings_leave_two_models_and_the_same_command_says_that_nothing_changed(tfx):
    folder = model_folder()
    first = tfx("train", "copy", "--steps", "3")
    assert f"model saved: {folder / 'copy-steps-3.npz'}\n" in first.out
    before = (folder / "copy-steps-3.npz").read_bytes()
    tfx("train", "copy", "--steps", "3", "--positions", "none")
    tfx("train", "copy", "--steps", "3", "--seed", "1")
    again = tfx("train", "copy", "--steps", "3")
    assert f"model saved: {folder / 'copy-steps-3.npz'}, the same to the last bit as before\n" in again.out
    assert (folder / "copy-steps-3.npz").read_bytes() == before
    names = ["copy-positions-none-steps-3.npz", "copy-seed-1-steps-3.npz", "copy-steps-3.npz"]
    assert sorted(path.name for path in folder.iterdir()) == names
    pictures = sorted(path.name for path in Path.cwd().glob("*.png"))
    assert pictures == [name.replace(".npz", "-loss.png") for name in names]


def test_a_file_that_was_named_and_is_taken_gets_a_number_and_that_is_said(tfx):
    tfx("train", "copy", "--steps", "2", "--out", "run.npz")
    before = Path("run.npz").read_bytes()
    ran = tfx("train", "copy", "--steps", "2", "--seed", "1", "--out", "run.npz")
    assert "tfx: run.npz holds a run with seed 0 and not 1, so this one is saved as run-2.npz.\n" in ran.err
    assert "model saved: run-2.npz\n" in ran.out and "--out run-2.npz\n" in ran.out
    assert Path("run.npz").read_bytes() == before != Path("run-2.npz").read_bytes()
    told = json.loads(tfx("train", "copy", "--steps", "2", "--seed", "1", "--out", "run.npz", "--json").out)
    assert told["saved"] == "run-2.npz"


def test_resume_of_a_finished_run_says_so_in_one_line_and_what_to_do_next(tfx):
    tfx("train", "copy", "--steps", "3")
    path = model_folder() / "copy-steps-3.npz"
    before = path.stat().st_mtime_ns
    ran = tfx("train", "copy", "--steps", "3", "--resume")
    said, following = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert said == "copy is finished: all 3 steps are done, and nothing is left to train."
    assert following.startswith("next   tfx train copy --steps 3 --try ") and len(following.split()[-1]) == 12
    plain = tfx("train", "copy", "--steps", "3", "--resume", "--plain")
    assert plain.out == "\t".join(["finished", "copy", "3", following.removeprefix("next   ")]) + "\n"
    told = tfx("train", "copy", "--steps", "3", "--resume", "--json")
    assert json.loads(told.out)["rows"] == [] and json.loads(told.out)["resumed_at"] == 3
    assert path.stat().st_mtime_ns == before or json.loads(told.out)["saved"] == str(path)


def test_resume_with_only_another_run_there_names_its_command(tfx):
    tfx("train", "copy", "--steps", "3", "--positions", "none")
    ran = tfx("train", "copy", "--resume")
    assert ran.code == 2 and one_sentence(ran) == (
        "tfx: no run of copy with these settings is saved, but copy-positions-none-steps-3.npz is.\n"
        "     Go on with it: tfx train copy --positions none --steps 3 --resume\n"
    )
    assert tfx("train", "copy", "--positions", "none", "--steps", "3", "--resume").code == 0


def test_a_run_that_goes_on_is_saved_in_its_own_file(tfx):
    half = replace(COPY, steps=4)
    keep(trained(half), model_folder() / "of-an-older-tfx.npz")
    ran = tfx("train", "copy", "--steps", "4", "--resume")
    assert ran.code == 1, "four steps are not enough"
    (path,) = model_folder().iterdir()
    assert path.name == "of-an-older-tfx.npz" and read(path) == (path, half, 4)
    assert f"model saved: {path}\n" in ran.out


def test_a_run_that_begins_anew_leaves_the_stopped_one_and_says_so(tfx):
    half = replace(COPY, steps=4)
    stopped = keep(trained(half), model_folder() / file_name(half)).path
    before = stopped.read_bytes()
    ran = tfx("train", "copy", "--steps", "4")
    assert "tfx: copy-steps-4.npz holds this run after step 2, so this one is saved as copy-steps-4-2.npz.\n" in ran.err
    assert stopped.read_bytes() == before
    assert "copy, from copy-steps-4-2.npz: " in tfx("train", "copy", "--steps", "4", "--try", "1").out
