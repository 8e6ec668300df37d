"""`tfx gradcheck` shows what the checker measured, and its exit code says whether every gradient is right."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import run
from tfx.gradcheck import Case, find_mistake
from tfx.gradcheck import run as running
from tfx.gradcheck.cases.ops.basics.softmax import softmax
from tfx.ops.basics.softmax import softmax_backward
from tfx_cli.__main__ import main


def without(document: str, *keys: str) -> dict:
    told = json.loads(document)
    return {key: value for key, value in told.items() if key not in keys}


def test_every_input_of_every_case_has_a_row_below_the_gate(tmp_path):
    ran = run("gradcheck", "softmax", "linear", "--json", home=tmp_path)
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    assert told["schema_version"] == 1 and told["name"] == "gradcheck" and told["seed"] == 0
    assert {row["op"] for row in told["rows"]} == {"softmax", "linear"}
    assert {row["input"] for row in told["rows"] if row["op"] == "linear"} == {"x", "w", "b"}
    assert all(row["passes"] and 0 < row["error"] <= 1e-7 for row in told["rows"])
    assert told["controls"] and all(control["caught"] for control in told["controls"])
    wrong_by = [control["error"] for control in told["controls"]]  # null where the shape alone gives it away
    assert any(wrong_by) and all(error is None or error > 1e-7 for error in wrong_by)
    assert all(check["holds"] for check in told["checks"])


def test_equal_seeds_give_equal_documents_and_another_seed_other_errors(tmp_path):
    one, two, other = (
        run("gradcheck", "softmax", "--json", "--seed", seed, home=tmp_path).out for seed in ("1", "1", "2")
    )
    assert without(one, "elapsed_s") == without(two, "elapsed_s")
    assert json.loads(one)["rows"] != json.loads(other)["rows"]


def test_the_table_says_pass_and_caught_in_words(tmp_path):
    ran = run("gradcheck", "softmax", home=tmp_path)
    assert ran.code == 0, ran
    assert "PASS" in ran.out and "caught" in ran.out and "softmax" in ran.out
    assert "FAIL" not in ran.out and "NOT CAUGHT" not in ran.out


def test_a_wrong_backward_exits_1_and_names_the_worst_element(monkeypatch, capsys):
    def wrong(dy, cache):
        return -softmax_backward(dy, cache)

    case = Case(softmax_backward, "sign flipped", lambda rng: softmax(rng)._replace(backward=wrong))
    monkeypatch.setattr(running, "CASES", (case,))
    assert main(["gradcheck", "softmax"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "FAIL" in out and "x[" in out


def test_a_mistake_that_slips_through_exits_1(monkeypatch, capsys):
    harmless = find_mistake("softmax/inner-sum-missing")._replace(wrong_backward=softmax_backward)
    monkeypatch.setattr(running, "CONTROLS", (harmless,))
    assert main(["gradcheck", "softmax", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [control["caught"] for control in told["controls"]] == [False]
    assert {check["id"]: check["holds"] for check in told["checks"]} == {"gradients": True, "controls": False}


def test_a_backward_that_gives_nan_is_null_in_json_and_fails(monkeypatch, capsys):
    def nowhere(dy, cache):
        return softmax_backward(dy, cache) * float("nan")

    case = Case(softmax_backward, "not a number", lambda rng: softmax(rng)._replace(backward=nowhere))
    monkeypatch.setattr(running, "CASES", (case,))
    assert main(["gradcheck", "softmax", "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["error"] is None and row["passes"] is False


@pytest.mark.slow
def test_the_whole_library_passes_and_is_registered(tmp_path):
    ran = run("gradcheck", "--json", home=tmp_path)
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    assert {check["id"] for check in told["checks"]} == {"gradients", "controls", "registry"}
    assert all(check["holds"] for check in told["checks"])


def test_where_no_mistake_is_known_nothing_is_said_to_be_caught(tfx):
    page = tfx("gradcheck", "nn.Linear")
    assert page.code == 0 and "every backward is the derivative" in page.out
    assert "caught" not in page.out and "Controls" not in page.out
    assert "caught" in tfx("gradcheck", "linear").out
