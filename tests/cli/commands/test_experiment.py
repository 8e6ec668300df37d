"""`tfx experiment`: the list, the table, checks, files and the JSON contract, on an experiment made for the test."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

import tfx.lab
from tfx.lab.listing import questions
from tfx_cli.words import all_words


@pytest.fixture(autouse=True)
def squares(monkeypatch, tmp_path):
    """An experiment dropped into the folder of experiments, and no other edit: the only one there."""
    folder = tmp_path / "experiments"
    folder.mkdir()
    shutil.copy(Path(__file__).parents[1] / "squares.py", folder)
    monkeypatch.setattr(tfx.lab, "__path__", [str(folder), *tfx.lab.__path__])
    monkeypatch.setattr(tfx.lab, "experiments", lambda: {"squares": questions("tfx.lab", [folder])["squares"]})
    monkeypatch.setattr(tfx.lab, "groups_of", lambda: {"squares": "numbers"})
    all_words.cache_clear()
    yield lambda: sys.modules["tfx.lab.squares"]
    all_words.cache_clear()
    sys.modules.pop("tfx.lab.squares", None)


def test_without_a_name_the_experiments_are_listed(tfx):
    ran = tfx("experiment")
    assert ran.code == 0 and "  numbers   squares\n" in ran.out and "tfx experiment numbers" in ran.out
    assert json.loads(tfx("experiment", "--json").out)["rows"] == [
        {"name": "squares", "question": "How fast do squares grow?", "group": "numbers"}
    ]
    assert tfx("experiment", "--plain").out == "squares\tHow fast do squares grow?\tnumbers\n"


PAGE = """\
Squares of numbers
  claim     Squares grow faster than their numbers, from 1 on.
  predict   What is the square of 2?
  answer:   4.  A number times itself.

  The finding.

     n squared
  n       (m2)
  0          0
  1          1
  2          4
  not shown: 1 column (--details)

  It holds: 1 check.
  break it:  --set top=2
plot saved: squares.png                                    3 rows, seed 0, 0.0 s
"""


def test_a_run_shows_claim_question_finding_table_what_to_break_and_the_saved_plot(tfx, tmp_path):
    ran = tfx("experiment", "squares")
    assert ran.code == 0 and ran.err == ""
    assert ran.out == PAGE
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


def without_time(out):
    return [line for line in out.splitlines() if "elapsed_s" not in line]


def test_equal_seeds_give_the_same_bytes(tfx):
    runs = [tfx("experiment", "squares", "--json").out for _ in range(2)]
    assert without_time(runs[0]) == without_time(runs[1])


def test_a_failing_check_exits_1_in_every_face(tfx):
    for face in ([], ["--json"], ["--plain"]):
        assert tfx("experiment", "squares", "--set", "top=2", *face).code == 1


def test_a_failing_check_is_said_in_words_before_the_table_and_printed_whole_below(tfx):
    out = tfx("experiment", "squares", "--set", "top=2").out
    assert (
        """
  It does not hold here: 1 of 1 check fails. The finding.

     n squared
  n       (m2)
  0          0
  1          1
  not shown: 1 column (--details)

  FAIL  there are three rows                measured 2, expected 3
  break it:  --set top=2
"""
        in out
    )


def test_details_show_every_column_check_and_note(tfx):
    out = tfx("experiment", "squares", "--details").out
    assert """
  The finding.

     n squared
  n       (m2)  nothing
  0          0  -
  1          1  -
  2          4  -

  PASS  there are three rows                measured 3, as expected

  A note.

  break it:  --set top=2
""" in "\n".join(map(str.rstrip, out.split("\n")))


def shown_rows(out):
    return [int(line.split()[0]) for line in out.splitlines() if re.fullmatch(r" +\d+ +\d+ *", line)]


def test_a_long_table_shows_the_decisive_rows_and_some_that_are_spread_evenly(tfx):
    ran = tfx("experiment", "squares", "--set", "top=31")
    assert shown_rows(ran.out) == [0, 1, 10, 20, 30] and "not shown: 26 rows and 1 column (--details)" in ran.out
    assert len(json.loads(tfx("experiment", "squares", "--set", "top=31", "--json").out)["rows"]) == 31
    plain = tfx("experiment", "squares", "--set", "top=31", "--plain").out
    assert sum(line.startswith("row\t") for line in plain.splitlines()) == 31


def test_claim_and_question_are_in_every_face(tfx, tmp_path):
    document = json.loads(tfx("experiment", "squares", "--json").out)
    assert document["claim"] == "Squares grow faster than their numbers, from 1 on."
    assert document["question"] == {
        "prompt": "What is the square of 2?", "answer": 4.0, "tolerance": 0.01,
        "explanation": "A number times itself.", "unit": "",
    }  # fmt: skip
    plain = tfx("experiment", "squares", "--plain").out
    assert (
        "claim\tSquares grow faster than their numbers, from 1 on.\n"
        "question\tWhat is the square of 2?\nanswer\t4.00000\tA number times itself.\n"
    ) in plain
    tfx("experiment", "squares", "--html", "p.html")
    page = (tmp_path / "here" / "p.html").read_text(encoding="utf-8")
    assert "<p><strong>Claim:</strong> Squares grow faster" in page
    assert "What is the square of 2?" in page.partition("<table>")[0]


def test_csv_has_the_keys_and_every_digit(tfx, tmp_path):
    tfx("experiment", "squares", "--seed", "1", "--csv", "t.csv")
    rows = list(csv.reader((tmp_path / "here" / "t.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["n", "square", "none"]
    assert float(rows[2][1]) == 1 + 1 / 3 and rows[2][2] == ""


def test_an_unwritable_default_place_is_told_and_the_results_are_kept(tfx, tmp_path):
    (tmp_path / "here" / "squares.png").mkdir()
    ran = tfx("experiment", "squares")
    assert ran.code == 0 and "It holds: 1 check." in ran.out
    assert (
        ran.err
        == 'no plot saved: "squares.png" is a folder, so no file can have that name.  Choose a place: --plot PATH\n'
    )


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


def test_ctrl_c_shows_what_was_measured_and_how_to_go_on(tfx, squares):
    tfx("experiment", "squares", "--json")
    squares().interrupted_at.append(2)
    asked = "tfx experiment squares --set top=4 --seed 7 --quick --csv 'my table.csv' --json"
    ran = tfx(*shlex.split(asked)[1:])
    document = json.loads(ran.out)
    assert ran.code == 130 and document["partial"] is True and [row["n"] for row in document["rows"]] == [0, 1]
    assert document["checks"] == [] and "Stopped after 2 of 4" in document["notes"][0]
    assert ran.err == f"tfx: stopped after 2 of 4 pieces.\n     Go on: {asked} --resume\n"


def test_a_resumed_run_measures_only_the_rest_and_ends_with_the_same_bytes(tfx, squares, tmp_path):
    whole = tfx("experiment", "squares", "--json")
    squares().interrupted_at.append(2)
    tfx("experiment", "squares", "--json")
    assert len(list((tmp_path / "home" / "unfinished").iterdir())) == 1
    squares().interrupted_at.clear()
    squares().measured.clear()
    resumed = tfx("experiment", "squares", "--json", "--resume")
    assert resumed.code == 0 and squares().measured == [2]
    assert without_time(resumed.out) == without_time(whole.out)
    assert list((tmp_path / "home" / "unfinished").iterdir()) == []


@pytest.mark.parametrize("other", [["--seed", "1"], ["--set", "top=4"], ["--quick"]])
def test_rows_of_another_run_are_never_taken(tfx, squares, other):
    tfx("experiment", "squares", "--json")
    squares().interrupted_at.append(2)
    tfx("experiment", "squares")
    squares().interrupted_at.clear()
    squares().measured.clear()
    ran = tfx("experiment", "squares", "--json", "--resume", *other)
    assert squares().measured[:3] == [0, 1, 2]
    assert ran.err == "nothing was kept of a run with these settings: it starts at the beginning.\n"


def test_without_resume_it_starts_at_the_beginning(tfx, squares):
    tfx("experiment", "squares", "--json")
    squares().interrupted_at.append(2)
    tfx("experiment", "squares")
    squares().interrupted_at.clear()
    squares().measured.clear()
    tfx("experiment", "squares", "--json")
    assert squares().measured == [0, 1, 2]


def test_ctrl_c_before_the_first_row_shows_no_table(tfx, squares):
    tfx("experiment", "squares", "--json")
    squares().interrupted_at.append(0)
    ran = tfx("experiment", "squares")
    assert ran.code == 130 and ran.out == "" and "Start again: tfx experiment squares\n" in ran.err


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nothing(tfx, squares, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "unfinished").write_text("a file where the folder should be", encoding="utf-8")
    assert tfx("experiment", "squares").code == 0
    squares().interrupted_at.append(2)
    assert "Start again" in tfx("experiment", "squares").err
