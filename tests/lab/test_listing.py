"""The list of experiments: read from the files, without importing them, complete, and open to one file more."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfx import lab
from tfx.lab import GROUPS, experiment_module, experiments, groups_of
from tfx.lab.listing import entries

SQUARES = Path(__file__).parent.parent / "cli" / "squares.py"


def test_the_list_is_what_the_modules_say():
    for name, question in experiments().items():
        module = experiment_module(name)
        assert question == module.QUESTION and question.isascii() and module.rows


def test_every_experiment_is_in_a_group_and_the_list_goes_by_group():
    groups = list(groups_of().values())
    assert set(groups) <= set(GROUPS) and groups == sorted(groups, key=GROUPS.index)
    assert list(groups_of()) == list(experiments())


def test_a_group_can_be_listed_alone(tfx):
    listed = tfx("experiment", "block", "--plain").out.splitlines()
    assert listed and all(line.endswith("\tblock") for line in listed)


def files_with_rows():
    return [path for path in Path(lab.__file__).parent.rglob("*.py") if "\ndef rows(run" in path.read_text("utf-8")]


def test_no_module_with_rows_is_left_out_and_no_two_have_one_name():
    """The list reads a question of one line: one that is broken in two would be missed, and this test red."""
    assert sorted(path.stem.replace("_", "-") for path in files_with_rows()) == sorted(experiments())


@pytest.mark.parametrize("place", ["", "heads"])
def test_one_file_more_is_listed_last_run_and_helped_with(monkeypatch, tmp_path, tfx, place):
    """In the folder itself, or in a folder in it; no list, map or test is edited."""
    folder = tmp_path / "experiments"
    (folder / place).mkdir(parents=True)
    shutil.copy(SQUARES, folder / place / "sums_of_squares.py")
    monkeypatch.setattr(lab, "__path__", [*lab.__path__, str(folder)])
    listed = tfx("experiment", "--plain").out.splitlines()
    assert listed[0].startswith("scaling\t") and listed[-1] == f"sums-of-squares\tHow fast do squares grow?\t{place}"
    helped = tfx("experiment", "sums-of-squares", "--set", "help").out
    assert "the largest number" in helped and "from 1 to 1,000" in helped and "default 3" in helped
    ran = tfx("experiment", "sums-of-squares", "--json")
    assert ran.code == 0 and '"name": "sums-of-squares"' in ran.out


def test_listing_imports_neither_numpy_nor_an_experiment():
    program = (
        "import sys; from tfx.lab import experiments; assert experiments(); "
        "bad = {'numpy', 'tfx.lab.attention.scaling', 'tfx.lab.frame'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_those_without_a_place_come_last_by_name(tmp_path):
    for name, lines in {"b": "", "a": "", "z": "ORDER = 1\n", "none": None}.items():
        question = 'QUESTION = "Why?"\n' if lines is not None else "# no question\n"
        (tmp_path / f"{name}.py").write_text(question + (lines or ""), encoding="utf-8")
    assert list(entries("tfx.lab", [str(tmp_path)])) == ["z", "a", "b"]
