"""An exercise that is taken up: its file, where it is, and what becomes of it when the exercise changes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from lessons.practice.exercise import find_exercise
from tfx_cli.learner.state import open_to_read
from tfx_cli.practice.taking_up import take_up


@pytest.fixture(autouse=True)
def home(tfx):
    """An empty history, and an empty folder."""


def softmax(version: int = 1):
    """The exercise as it is, or with a rule more."""
    found = find_exercise("softmax")
    return found if version == 1 else replace(found, rules=[*found.rules, f"This is version {version}."])


def starts() -> list[str]:
    with open_to_read() as state:
        return [line.exercise for line in state.practice() if line.act == "started"]


def test_it_is_on_record_once_until_another_one_is_taken_up():
    assert take_up(softmax()).new and not take_up(softmax()).new
    assert starts() == ["softmax"]
    take_up(find_exercise("rope"))
    take_up(softmax())
    assert starts() == ["softmax", "rope", "softmax"]


def test_an_untouched_file_of_an_exercise_that_changed_begins_anew():
    path = take_up(softmax()).path
    again = take_up(softmax(2))
    assert again.notes == ("This exercise has changed since. Nothing was written into the file, so it is begun anew.",)
    assert path.read_text() == softmax(2).starter and not list(Path("tfx-practice").glob("*.new"))
    assert take_up(softmax(2)).notes == ()


def test_what_was_written_stays_when_the_exercise_changes_and_the_new_beginning_lies_beside():
    path = take_up(softmax()).path
    path.write_text("mine", encoding="utf-8")
    beside = Path("tfx-practice/softmax.new")
    says = f"This exercise has changed since. Your file is as you left it; how it begins now is in {beside}"
    assert take_up(softmax(2)).notes == (says,)
    assert path.read_text() == "mine" and beside.read_text() == softmax(2).starter
    assert take_up(softmax(2)).notes == (), "it is said once"
    beside.write_text("mine too", encoding="utf-8")
    take_up(softmax(3))
    assert beside.read_text() == "mine too" and len(list(Path("tfx-practice").glob("softmax.*.new"))) == 1


def test_another_folder_says_where_the_file_of_before_is(tmp_path):
    first = take_up(softmax()).path.absolute()
    (tmp_path / "other").mkdir()
    os.chdir(tmp_path / "other")
    taken = take_up(softmax())
    assert taken.new and taken.notes == (f"What you wrote before is in another folder, and stays there: {first}",)
