"""`tfx doctor` finds what is broken, says what to do, and its exit code says whether anything is."""

from __future__ import annotations

import importlib.metadata
import json

import pytest

from tests.cli.running import run
from tfx_cli.diagnosis import examination, installation, machine


def by_name(findings):
    return {(one.area, one.name): one for one in findings}


def test_a_healthy_installation_exits_0_and_says_so(tmp_path):
    ran = run("doctor", home=tmp_path)
    assert ran.code == 0, ran
    assert "All is well." in ran.out and ran.err == ""


def test_json_lists_every_finding_with_its_state(tmp_path):
    ran = run("doctor", "--json", home=tmp_path, FORCE_COLOR="1", COLUMNS="20")
    told = json.loads(ran.out)
    assert told["schema_version"] == 1 and told["healthy"] is True
    assert {one["state"] for one in told["findings"]} <= {"ok", "note"}
    assert {"versions", "ownership", "data", "terminal"} <= {one["area"] for one in told["findings"]}


def test_a_data_folder_that_cannot_be_made_is_a_problem_with_a_next_action(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    ran = run("doctor", "--json", home=tmp_path, TFX_HOME=str(tmp_path / "file" / "data"))
    assert ran.code == 3, ran
    (broken,) = [one for one in json.loads(ran.out)["findings"] if one["state"] == "problem"]
    assert (broken["area"], broken["name"]) == ("data", "folder")
    assert "TFX_HOME" in broken["action"]


def test_the_data_folder_is_not_made_by_looking(tmp_path):
    run("doctor", home=tmp_path, TFX_HOME=str(tmp_path / "not-yet"))
    assert not (tmp_path / "not-yet").exists()


def test_a_damaged_history_is_a_problem_and_looking_leaves_it_as_it_is(tmp_path):
    garbage = b"this is no database" * 100
    state_file = tmp_path / "state.sqlite3"
    state_file.write_bytes(garbage)
    ran = run("doctor", "--json", home=tmp_path)
    assert ran.code == 3, ran
    (broken,) = [one for one in json.loads(ran.out)["findings"] if one["state"] == "problem"]
    assert broken["name"] == "history" and "tfx quiz" in broken["action"]
    assert state_file.read_bytes() == garbage


def test_another_distribution_of_the_same_import_name_is_a_problem(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: {"tfx": ["tfx", "tfx-learn"]})
    found = by_name(installation.ownership())["ownership", "import tfx"]
    assert found.state == "problem" and "own" in found.action


def test_a_missing_library_is_a_problem_with_the_command_that_installs_it(monkeypatch):
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "fsrs":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = by_name(installation.versions())["versions", "fsrs"]
    assert found.state == "problem" and found.action.endswith("-m pip install fsrs")


def test_a_check_that_breaks_is_reported_and_the_others_still_run(monkeypatch):
    def terminal():
        raise RuntimeError("no such terminal")

    monkeypatch.setattr(examination, "CHECKS", (terminal, machine.data))
    findings = examination.diagnose()
    assert findings[0].state == "problem" and "no such terminal" in findings[0].value
    assert ("data", "folder") in by_name(findings)


@pytest.mark.parametrize(("problems", "word"), [(0, "well"), (1, "1 problem:"), (2, "2 problems:")])
def test_the_verdict_counts(problems, word):
    from tfx_cli.commands.doctor import verdict

    assert word in verdict(problems)
