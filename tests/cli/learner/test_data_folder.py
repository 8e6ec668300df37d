"""Where the reader's folder is, whatever stands in TFX_HOME."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import one_sentence, run
from tfx_cli.learner.state_file import data_folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLACE", str(tmp_path / "place"))
    monkeypatch.delenv("NO_SUCH", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("value", "folder"),
    [("~/a", "a"), ("$HOME/a", "a"), ("${HOME}/a", "a"), ("$PLACE", "place"), ("$PLACE/b c", "place/b c")],
)
def test_what_no_shell_has_replaced_stands_for_what_it_would_have(value, folder, home, monkeypatch):
    monkeypatch.setenv("TFX_HOME", value)
    assert data_folder() == home / folder


@pytest.mark.parametrize("value", ["~", "$HOME", "$PLACE", "~nouser-of-that-name"])
def test_a_folder_that_is_really_called_so_is_that_folder(value, home, monkeypatch):
    (home / value).mkdir()
    monkeypatch.setenv("TFX_HOME", value)
    assert data_folder().resolve() == home / value


@pytest.mark.parametrize("value", ["$NO_SUCH/a", "a$", "100%", "x y"])
def test_other_signs_are_letters_of_a_name(value, monkeypatch):
    monkeypatch.setenv("TFX_HOME", value)
    assert data_folder() == Path(value)


def test_the_home_of_nobody_is_told_by_commands_and_by_doctor(home):
    value = "~nouser-of-that-name/a"
    told = (
        f'tfx: TFX_HOME is "{value}", and the home folder in it is not known.\n'
        "     Give the whole path: export TFX_HOME=/path/to/folder\n"
    )
    for words in ([], ["explain"], ["quiz", "--stats"], ["train", "copy", "--steps", "1"]):
        ran = run(*words, home=home, TFX_HOME=value)
        assert ran.code == 3 and ran.out == "" and one_sentence(ran) == told, words
    checked = run("doctor", "--json", home=home, TFX_HOME=value)
    wrong = [one for one in json.loads(checked.out)["findings"] if one["state"] == "problem"]
    assert checked.code == 3 and [(one["area"], one["name"], one["action"]) for one in wrong] == [
        ("data", "folder", "Give the whole path: export TFX_HOME=/path/to/folder")
    ]
    assert run("explain", "softmax", "--step", "1", home=home, TFX_HOME=value).code == 0, "it keeps nothing in a pipe"
