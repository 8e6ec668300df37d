"""What teachers and scripts get: banks by id, the same verdict everywhere, reports in the forms that others read."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from lessons.practice.bank import mistake_function, mistake_ids
from lessons.practice.exercise import exercises, find_exercise
from lessons.practice.judging import judge
from lessons.practice.trying import try_all
from tests.cli.practice.in_process import file_with, run_here
from tfx.errors import BadInput


@pytest.fixture
def here(tfx, monkeypatch):
    run_here(monkeypatch)


@pytest.fixture
def the_class(here):
    """A file for two mistakes of every exercise: its path, the exercise, the mistake."""
    found = []
    for exercise in exercises().values():
        for mistake in (exercise.mistakes[0], exercise.mistakes[-1]):
            path = Path(mistake.id.replace("/", "-")) / f"{exercise.name.replace('-', '_')}.py"
            path.parent.mkdir()
            path.write_text(file_with(exercise, mistake), encoding="utf-8")
            found.append((str(path), exercise, mistake))
    return found


def test_check_and_grade_give_the_same_verdict_for_every_exercise(tfx, the_class):
    paths = [path for path, _, _ in the_class]
    graded = json.loads(tfx("practice", "grade", *paths, "--format", "json").out)
    assert len(graded["results"]) == 2 * len(exercises()) and graded["passed"] == 0
    for (path, exercise, mistake), one in zip(the_class, graded["results"], strict=True):
        ran = tfx("practice", "check", path, "--exercise", exercise.name, "--json")
        checked = json.loads(ran.out)
        assert ran.code == 1 and checked.pop("schema_version") and checked == one
        if one["verdict"] not in ("changed", "shared", "again"):
            assert one["mistake"]["id"] == mistake.id and one["see"].startswith("tfx explain ")


def test_the_list_says_all_that_a_grader_needs(tfx):
    for one in json.loads(tfx("practice", "list", "--json").out)["exercises"]:
        exercise = find_exercise(one["name"])
        assert one["signature"].startswith(one["function"] + "(") and one["rules"] == list(exercise.rules)
        assert one["results"] == list(exercise.results) and one["step"] == (exercise.step or None)
        assert one["mistakes"] == [id for id in mistake_ids() if id.startswith(f"{exercise.name}/")]


def test_a_mistake_is_imported_by_its_id_and_is_judged_as_that_mistake():
    for id in ("attention/not-scaled", "softmax/not-divided", "layer-norm/rms-norm"):
        exercise = find_exercise(id.partition("/")[0])
        outcomes = try_all(mistake_function(id), [case.arguments for case in exercise.cases])
        assert judge(exercise, outcomes).mistake.id == id
    assert mistake_function("softmax/not-divided")(np.zeros(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("softmax/not-dividet", 'no mistake is called "softmax/not-dividet". Did you mean "softmax/not-divided"?'),
        ("sofmax/not-divided", 'no exercise is called "sofmax". Did you mean "softmax"?'),
        ("softmax", 'no mistake is called "softmax".'),
    ],
)
def test_an_id_that_is_not_there_gets_a_sentence(id, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        mistake_function(id)


#: element -> (attributes that it must have, attributes that it may have, elements in it), as junit-10.xsd of Jenkins'
#: xunit plugin says; what it holds besides is not written by us
COUNTS = {"name", "tests", "failures", "errors"}
JUNIT = {
    "testsuites": (set(), COUNTS | {"time"}, {"testsuite"}),
    "testsuite": (COUNTS, {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
                  {"testsuite", "properties", "testcase", "system-out", "system-err"}),
    "testcase": ({"name"}, {"time", "classname", "group"},
                 {"skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError",
                  "system-out", "system-err"}),
    "failure": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}  # fmt: skip


def junit_faults(element: ET.Element) -> list[str]:
    """What the schema does not allow, below this element."""
    must, may, children = JUNIT[element.tag]
    given = set(element.keys())
    faults = [f"{element.tag}: {name} is missing" for name in must - given]
    faults += [f"{element.tag} has no {name}" for name in given - must - may]
    faults += [f"{element.tag}: {child.tag} may not stand in it" for child in element if child.tag not in children]
    if children and (element.text or "").strip():
        faults.append(f"{element.tag}: no text stands in it")
    return faults + [fault for child in element if child.tag in JUNIT for fault in junit_faults(child)]


STRANGE = {
    "nul": "def softmax(x, axis=-1):\n    raise ValueError(chr(0) + '<&>' + chr(27) + chr(0xfffe) + chr(0xd800))\n",
    "raises": "raise RuntimeError(']]>')\n",
    "empty": "",
}


@pytest.fixture
def strange_files(tfx, monkeypatch):
    run_here(monkeypatch)
    paths = []
    for name, text in STRANGE.items():
        path = Path(name) / "softmax.py"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def test_junit_s_report_holds_to_its_schema(tfx, the_class, strange_files):
    paths = [path for path, _, _ in the_class] + strange_files
    root = ET.fromstring(tfx("practice", "grade", *paths, "--format", "junit").out)
    assert junit_faults(root) == []
    for suite in [root, *root]:
        cases = suite.findall(".//testcase")
        failed = [case for case in cases if case.find("failure") is not None]
        assert (int(suite.get("tests")), int(suite.get("failures"))) == (len(cases), len(failed))
        assert suite.get("errors") == "0" and len(cases) == len(paths)
    assert junit_faults(ET.fromstring("<testsuites><testsuite name='a' tests='0' errors='0' x='1'/></testsuites>")) == [
        "testsuite: failures is missing", "testsuite has no x",
    ]  # fmt: skip


#: fields of results.json and of a test in it with their types, from Gradescope's autograder specifications
VISIBLE = {"hidden", "after_due_date", "after_published", "visible"}
OUTPUT = {"text", "html", "simple_format", "md", "ansi"}
RESULTS = {"score": float, "execution_time": float, "output": str, "output_format": str, "test_output_format": str,
           "test_name_format": str, "visibility": str, "stdout_visibility": str, "extra_data": dict, "tests": list,
           "leaderboard": list}  # fmt: skip
A_TEST = {"score": float, "max_score": float, "status": str, "name": str, "name_format": str, "number": str,
          "output": str, "output_format": str, "tags": list, "visibility": str, "extra_data": dict}  # fmt: skip


def test_gradescope_s_report_has_the_fields_of_its_specification(tfx, the_class, strange_files):
    paths = [path for path, _, _ in the_class] + strange_files
    told = json.loads(tfx("practice", "grade", *paths, "--format", "gradescope").out)
    for fields, known in [(told, RESULTS), *((test, A_TEST) for test in told["tests"])]:
        assert {name: known[name] for name in fields} == {name: type(value) for name, value in fields.items()}
        assert fields["visibility"] in VISIBLE and fields.get("output_format", "text") in OUTPUT
    assert len(told["tests"]) == len(paths) and told["score"] == sum(test["score"] for test in told["tests"])
    assert {test["status"] for test in told["tests"]} <= {"passed", "failed"}
    assert all(0 <= test["score"] <= test["max_score"] and test["output"].strip() for test in told["tests"])


def test_a_class_s_misconceptions_are_counted_most_often_first(tfx, here):
    softmax = find_exercise("softmax")
    by_id = {mistake.id: mistake for mistake in softmax.mistakes}
    texts = [file_with(softmax, by_id["softmax/not-divided"])] * 2 + [
        file_with(softmax, by_id["softmax/powers-of-two"]),
        "def softmax(x, axis=-1):\n    return x * 7.5\n",
        "x = 1\n",
    ]
    for number, text in enumerate(texts):
        Path(f"{number}").mkdir()
        Path(f"{number}/softmax.py").write_text(text, encoding="utf-8")
    ran = tfx("practice", "grade", *(f"{number}/softmax.py" for number in range(len(texts))))
    assert ran.code == 1 and ran.out.splitlines()[len(texts) :] == [
        "0 of 5 passed", "   2  softmax/not-divided", "   1  softmax/powers-of-two", "   1  unknown", "   1  missing",
    ]  # fmt: skip


@pytest.mark.parametrize(("names", "code"), [(["right"], 0), (["wrong"], 1), (["right", "wrong"], 1), (["gone"], 2)])
def test_the_exit_code_is_what_a_classroom_counts(names, code, tfx, here):
    for name, text in (("right", "from lessons.attention.softmax.exercises.softmax import solution as softmax\n"),
                       ("wrong", "def softmax(x, axis=-1):\n    return x\n")):  # fmt: skip
        Path(name).mkdir()
        Path(name, "softmax.py").write_text(text, encoding="utf-8")
    assert tfx("practice", "grade", *(f"{name}/softmax.py" for name in names)).code == code
