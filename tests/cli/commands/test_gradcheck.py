"""`tfx gradcheck` shows what the checker measured, and its exit code says whether every gradient is right."""

from __future__ import annotations

import json
import re

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


FEW = ("softmax", "linear", "nn.Linear", "layer_norm")


@pytest.fixture
def few(monkeypatch):
    """A library of four operations, as the registry knows them, and their mistakes."""
    monkeypatch.setattr(running, "CASES", tuple(case for case in running.CASES if case.op in FEW))
    monkeypatch.setattr(running, "CONTROLS", tuple(control for control in running.CONTROLS if control.op in FEW))


def page_of(capsys, *words):
    capsys.readouterr()
    code = main(["gradcheck", *words])
    return code, [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_without_a_name_there_is_a_row_for_every_room(few, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, lines = page_of(capsys)
    cases = {op: sum(case.op == op for case in running.CASES) for op in FEW}
    mistakes = {op: sum(control.op == op for control in running.CONTROLS) for op in FEW}
    basics, norms = mistakes["softmax"] + mistakes["linear"], mistakes["layer_norm"]
    rows = [re.sub(r" +", " ", re.sub(r"\d\S*e-\d+", "E", line)) for line in lines[4:7]]
    assert code == 0 and rows == [
        f" nn {cases['nn.Linear']} E - PASS",
        f" ops/basics {cases['softmax'] + cases['linear']} E {basics} of {basics} PASS",
        f" ops/norms {cases['layer_norm']} E {norms} of {norms} PASS",
    ]
    assert " ".join(" ".join(lines[8:10]).split()).startswith(
        "Every backward is the derivative of its forward; every mistake made on purpose is caught"
    )
    assert "every case: tfx gradcheck --details" in lines[-2] and len(lines) < 24


def test_details_and_plain_keep_a_row_for_every_case(few, capsys):
    for words in (["--details"], ["--plain"]):
        code, lines = page_of(capsys, *words)
        text = " ".join(" ".join(lines).split())
        assert code == 0 and "Controls: the check has to fail these" in text and "room of tfx" not in text
    assert sum(line.startswith("row\t") for line in lines) == len(running.CASES) + len(running.CONTROLS)


def test_what_is_wrong_is_shown_whole_under_the_summary(few, capsys, monkeypatch):
    def wrong(dy, cache):
        return -softmax_backward(dy, cache)

    case = Case(softmax_backward, "sign flipped", lambda rng: softmax(rng)._replace(backward=wrong))
    harmless = find_mistake("softmax/inner-sum-missing")._replace(wrong_backward=softmax_backward)
    monkeypatch.setattr(running, "CASES", (*running.CASES, case))
    monkeypatch.setattr(running, "CONTROLS", (*running.CONTROLS, harmless))
    code, lines = page_of(capsys)
    text = " ".join(" ".join(lines).split())
    assert code == 1 and "FAIL 1" in text and "sign flipped" in text and "NOT CAUGHT" in text
    assert "last axis" not in text and "The other 1 check holds." in text


def test_the_document_has_the_families_too(few, capsys):
    main(["gradcheck", "softmax", "layer_norm", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [row["family"] for row in told["families"]] == ["ops/basics", "ops/norms"]
    for row in told["families"]:
        assert row["cases"] == row["passes"] > 0 and row["caught"] == row["mistakes"] > 0
    worst = max(row["error"] for row in told["rows"] if row["op"] == "softmax")
    assert told["families"][0]["worst"] == worst


def test_the_straight_through_estimator_is_said_to_be_the_derivative_of_a_clip():
    from tfx_cli.render.pages.gradcheck import derivatives

    assert derivatives(["softmax", "linear"]) == "every backward is the derivative of its forward"
    assert derivatives(["softmax", "straight_through"]) == (
        "every backward is the derivative of its forward, but for straight_through: that of the clip it stands for"
    )
