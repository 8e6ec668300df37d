"""`tfx experiment`: the list, the table, checks, files and the JSON contract, on an experiment made for the test."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

import tfx.lab
from tfx.errors import BadInput
from tfx.records import Check, Column, Plot, Result, Series, Text


@dataclass(frozen=True)
class Settings:
    """top: the largest number."""

    top: int = 3


def run(settings, seed, quick=False, device="cpu", progress=tfx.lab.silent):
    progress(1, 2, "counting")
    if settings.top > 100:
        raise BadInput("top must be at most 100.", "Try: --set top=3")
    rows = tuple({"n": n, "square": float(n * n) + seed / 3, "none": None} for n in range(settings.top))
    return Result(
        "squares",
        "Squares of numbers",
        seed,
        {"top": settings.top, "quick": quick, "device": device},
        (Column("n", "n"), Column("square", "n squared", "m2"), Column("none", "nothing")),
        rows,
        (Check("three", "there are three rows", 3, len(rows), 0, len(rows) == 3),),
        (
            Plot(
                "Squares grow", "n", "square", (Series("squares", [1, 2, 4], [1, 4, 16], [0.1, 0.2, 0.4]),), log_x=True
            ),
        ),
        (Text("A note."),),
        ("--set top=2",),
        0.25,
    )


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    module = ModuleType("tfx.lab.squares")
    module.Settings, module.run = Settings, run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tfx.lab.squares", module)
    monkeypatch.setattr(tfx.lab, "EXPERIMENTS", {"squares": "How fast do squares grow?"})


def test_without_a_name_the_experiments_are_listed(tfx):
    ran = tfx("experiment")
    assert ran.code == 0 and "squares" in ran.out and "How fast do squares grow?" in ran.out
    assert json.loads(tfx("experiment", "--json").out)["experiments"][0]["name"] == "squares"
    assert tfx("experiment", "--plain").out == "squares\tHow fast do squares grow?\n"


def test_a_run_shows_title_table_checks_what_to_break_and_the_saved_plot(tfx, tmp_path):
    ran = tfx("experiment", "squares")
    assert ran.code == 0 and ran.err == ""
    for words in ("Squares of numbers", "seed 0, 0.2 s", "PASS  there are three rows", "A note.", "--set top=2"):
        assert words in ran.out
    assert ran.out.rstrip().endswith("plot saved: squares.png")
    assert (tmp_path / "here" / "squares.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("face", ["--json", "--plain"])
def test_programs_get_no_file_unless_they_ask(tfx, tmp_path, face):
    assert tfx("experiment", "squares", face).code == 0
    assert list((tmp_path / "here").iterdir()) == []
    tfx("experiment", "squares", face, "--plot", "mine.svg")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["mine.svg"]


def test_json_keeps_the_contract(tfx):
    document = json.loads(tfx("experiment", "squares", "--json", "--seed", "5", "--quick").out)
    assert {"schema_version", "name", "seed", "params", "columns", "rows", "checks", "elapsed_s"} <= document.keys()
    assert document["params"] == {"top": 3, "quick": True, "device": "cpu"}
    assert document["columns"][1] == {"key": "square", "label": "n squared", "unit": "m2"}
    assert document["rows"][2] == {"n": 2, "square": 4 + 5 / 3, "none": None}
    assert document["checks"][0]["holds"] is True


def test_equal_seeds_give_the_same_bytes(tfx):
    assert tfx("experiment", "squares", "--json").out == tfx("experiment", "squares", "--json").out


def test_a_failing_check_exits_1_in_every_face(tfx):
    for face in ([], ["--json"], ["--plain"]):
        assert tfx("experiment", "squares", "--set", "top=2", *face).code == 1


def test_csv_has_the_keys_and_every_digit(tfx, tmp_path):
    tfx("experiment", "squares", "--seed", "1", "--csv", "t.csv")
    rows = list(csv.reader((tmp_path / "here" / "t.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["n", "square", "none"]
    assert float(rows[2][1]) == 1 + 1 / 3 and rows[2][2] == ""


def test_an_unwritable_default_place_is_told_and_the_results_are_kept(tfx, tmp_path):
    (tmp_path / "here" / "squares.png").mkdir()
    ran = tfx("experiment", "squares")
    assert ran.code == 0 and "PASS" in ran.out and "no plot saved" in ran.err


def test_a_wrong_setting_is_explained_before_anything_is_measured(tfx):
    ran = tfx("experiment", "squares", "--set", "topp=3")
    assert ran.code == 2 and 'Did you mean "top"?' in ran.err and "--set help" in ran.err
    assert "top" in tfx("experiment", "squares", "--set", "help").out


def test_an_error_of_the_experiment_is_one_sentence(tfx):
    ran = tfx("experiment", "squares", "--set", "top=1000")
    assert ran.code == 2 and ran.err == "tfx: top must be at most 100.\n     Try: --set top=3\n"


def test_html_is_one_page_with_the_table_the_checks_and_the_picture(tfx, tmp_path):
    tfx("experiment", "squares", "--html", "p.html")
    page = (tmp_path / "here" / "p.html").read_text(encoding="utf-8")
    assert "<td class='number'>4</td>" in page and "PASS" in page and "<svg" in page and "Squares grow" in page
