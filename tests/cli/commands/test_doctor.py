"""`tfx doctor` finds what is broken, says what to do, and its exit code says whether anything is."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from lessons.course_file import BadCourseFile, read_modules
from tests.cli.running import LAUNCH, ROOT, Ran, environment, run
from tfx_cli.diagnosis import examination, installation, machine
from tfx_cli.learner.state import open_to_write

#: `tfx doctor` without a look at every lesson, which is what takes its seconds.
WITHOUT_LESSONS = f"""
from tfx_cli.diagnosis import examination
examination.CHECKS = tuple(check for check in examination.CHECKS if check.__name__ != "course")
{LAUNCH}"""


def doctor(*words: str, home: Path, **variables: str) -> Ran:
    """What doctor says of everything but the lessons."""
    home.mkdir(parents=True, exist_ok=True)
    line = [sys.executable, "-c", WITHOUT_LESSONS, "doctor", *words]
    done = subprocess.run(line, cwd=home, env=environment(home, **variables), capture_output=True, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


def by_name(findings):
    return {(one.area, one.name): one for one in findings}


def test_a_healthy_installation_exits_0_and_says_so(tmp_path):
    ran = run("doctor", home=tmp_path)
    assert ran.code == 0, ran
    assert ran.out.endswith("\nAll is well.   next: tfx explain intuition\n") and ran.err == ""


def test_json_lists_every_finding_with_its_state(tmp_path):
    ran = doctor("--json", home=tmp_path, FORCE_COLOR="1", COLUMNS="20")
    told = json.loads(ran.out)
    assert told["schema_version"] == 1 and told["healthy"] is True
    assert {one["state"] for one in told["findings"]} <= {"ok", "note"}
    assert {"versions", "ownership", "data", "terminal"} <= {one["area"] for one in told["findings"]}


def test_a_data_folder_that_cannot_be_made_is_a_problem_with_a_next_action(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    ran = doctor("--json", home=tmp_path, TFX_HOME=str(tmp_path / "file" / "data"))
    assert ran.code == 3, ran
    (broken,) = [one for one in json.loads(ran.out)["findings"] if one["state"] == "problem"]
    assert (broken["area"], broken["name"]) == ("data", "folder")
    assert "TFX_HOME" in broken["action"]


def test_the_data_folder_is_not_made_by_looking(tmp_path):
    doctor(home=tmp_path, TFX_HOME=str(tmp_path / "not-yet"))
    assert not (tmp_path / "not-yet").exists()


def test_a_damaged_history_is_a_problem_and_looking_leaves_it_as_it_is(tmp_path):
    garbage = b"this is no database" * 100
    state_file = tmp_path / "state.sqlite3"
    state_file.write_bytes(garbage)
    ran = doctor("--json", home=tmp_path)
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


@pytest.mark.parametrize("check", examination.CHECKS, ids=lambda check: check.__name__)
def test_what_is_found_stands_under_the_name_of_its_check(check):
    areas = {one.area for one in check()}
    assert areas == {check.__name__} or (check is installation.unchanged and areas <= {"versions"})


@pytest.mark.parametrize(
    ("writable", "value", "state", "action"),
    [(True, "{}", "ok", ""), (False, "{} is read-only: plots start slowly", "note", "Set MPLCONFIGDIR.")],
)
def test_a_font_cache_that_cannot_be_kept_is_noted(writable, value, state, action, monkeypatch):
    monkeypatch.setattr(machine.os, "access", lambda path, mode: writable)
    cache = by_name(machine.plots())["plots", "font cache"]
    folder = matplotlib.get_cachedir()
    assert (cache.value, cache.state, cache.action) == (value.format(folder), state, action)


def test_a_check_that_breaks_is_reported_and_the_others_still_run(monkeypatch):
    def terminal():
        raise RuntimeError("no such terminal")

    monkeypatch.setattr(examination, "CHECKS", (terminal, machine.data))
    findings = examination.diagnose()
    assert findings[0].state == "problem" and "no such terminal" in findings[0].value
    assert ("data", "folder") in by_name(findings)


@pytest.mark.parametrize(
    ("problems", "words"),
    [
        (0, "All is well.   next: tfx explain intuition"),
        (1, "1 problem: follow the arrows above, then run tfx doctor again."),
        (2, "2 problems: follow the arrows above, then run tfx doctor again."),
    ],
)
def test_the_verdict_counts(problems, words):
    from tfx_cli.commands.doctor import verdict

    assert verdict(problems) == words


def problems(ran):
    assert ran.code == 3, ran
    found = json.loads(ran.out)["findings"]
    return [(one["area"], one["name"], one["value"]) for one in found if one["state"] == "problem"]


@pytest.mark.parametrize("to", ["nowhere", "home"])
def test_a_link_that_leads_nowhere_is_a_problem(to, tmp_path):
    (tmp_path / "home").symlink_to(tmp_path / to)
    ran = doctor("--json", home=tmp_path, TFX_HOME=str(tmp_path / "home"))
    assert problems(ran) == [("data", "folder", f"{tmp_path}/home: a link that leads nowhere")]


def test_a_history_that_is_no_file_is_a_problem(tmp_path):
    (tmp_path / "state.sqlite3").symlink_to("nowhere")
    assert problems(doctor("--json", home=tmp_path))[0][2].endswith("is a link that leads nowhere")
    (tmp_path / "state.sqlite3").unlink()
    (tmp_path / "state.sqlite3").mkdir()
    assert problems(doctor("--json", home=tmp_path))[0][2].endswith("is no file")


@pytest.mark.parametrize("name", ["trained", "unfinished"])
def test_what_stands_in_the_place_of_a_folder_is_a_problem(name, tmp_path):
    (tmp_path / name).write_bytes(b"")
    assert problems(doctor("--json", home=tmp_path)) == [("data", name, f"{tmp_path}/{name} is no folder")]
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("nowhere")
    assert problems(doctor("--json", home=tmp_path)) == [("data", name, f"{tmp_path}/{name} is no folder")]


def test_a_history_that_cannot_be_written_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("TFX_HOME", str(tmp_path))
    with open_to_write() as state:
        assert state.answers() == []
    real = Path.open

    def refused(path, mode="r", *rest, **named):
        if path == tmp_path / "state.sqlite3" and "+" in mode:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", refused)
    assert machine.history().value == f"{tmp_path}/state.sqlite3: Permission denied"


def run_copy(folder: Path, *words: str) -> Ran:
    """The command of the copy that lies in `folder`."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); {LAUNCH}"
    env = environment(folder / "home")
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, env=env, capture_output=True, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


DAMAGES = {
    "course.toml": [b"[[module]]\nnumber = 3\n", b"\xff\xfe", b"", b"x = 1\n"],
    "attention/softmax/quiz.toml": [b"", b"[[item]]\nid = 5\n", b"[[item]\n", b"\xff", b"item = [[[1]]]"],
    "attention/softmax/lesson.py": [b"def", b"import nothing_of_that_name\n", b"lesson = 3\n", b"\xff\n"],
    "attention/softmax/numbers.py": [b"1 / 0\n", b""],
    "estimates/quiz.toml": [b"[[item]\n"],
}


#: the first of each file in every run of the tests
EACH = [
    pytest.param(name, data, marks=pytest.mark.slow if place else ())
    for name in DAMAGES
    for place, data in enumerate(DAMAGES[name])
]


@pytest.mark.parametrize(("name", "data"), EACH)
def test_a_damaged_course_is_a_problem_that_names_the_file(name, data, tmp_path):
    """In a copy of the checkout, where a damaged file breaks nobody's tests."""
    for part in ("tfx", "tfx_cli", "lessons"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "lessons" / name).write_bytes(data)
    found = problems(run_copy(tmp_path, "doctor", "--json"))
    assert all(area == "course" for area, _, _ in found)
    assert name.partition(".")[0].replace("/", ".") in found[0][2].replace("/", ".")
    if "lesson" in name:
        words = ["explain", "softmax", "--json"]
    else:
        topic = "estimates" if name.startswith("estimates") else "softmax"
        words = ["explain"] if name == "course.toml" else ["quiz", topic, "--count", "99", "--answers", "-"]
    ran = run_copy(tmp_path, *words)
    assert ran.code == 3 and "should not happen" not in ran.err, ran


def test_a_wrong_key_in_a_line_of_the_course_is_named_with_its_line(tmp_path):
    text = (ROOT / "lessons" / "course.toml").read_text(encoding="utf-8").replace("minutes = ", "minuts = ", 1)
    line = next(number for number, one in enumerate(text.split("\n"), start=1) if "minuts" in one)
    (tmp_path / "course.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadCourseFile) as caught:
        read_modules(tmp_path / "course.toml")
    assert caught.value.message.startswith(f'{tmp_path}/course.toml, line {line}: topic "')
    assert caught.value.message.endswith("has no minutes, and has minuts, which no topic has")


def test_in_a_checkout_the_lessons_changed_last_are_run_and_the_others_read(monkeypatch):
    from lessons.course import topics

    names = [topic.name for topic in topics()]
    changed, ran = names[-3:], []
    monkeypatch.setattr(installation, "installed_files", list)
    monkeypatch.setattr(
        installation, "last_change", lambda topic: names.index(topic.name) if topic.name in changed else -1
    )
    monkeypatch.setattr(installation, "run_steps", lambda topic, settings: ran.append(topic.name))
    first, *others = installation.course()
    assert others == [] and first.value.endswith("; the 4 changed last were run")
    assert sorted(ran) == sorted([*changed, names[0]])


def test_a_lesson_that_was_written_to_has_changed_last(tmp_path):

    from lessons.course import topics

    topic = topics()[0]
    copy = tmp_path / "topic"
    shutil.copytree(topic.path, copy)
    moved = type("Moved", (), {"path": copy})()
    before = installation.last_change(moved)
    (copy / "quiz.toml").write_text("", encoding="utf-8")
    assert installation.last_change(moved) > before
