"""`tfx practice`: a learner's file is made once, judged in a sentence, and what was done is kept."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lessons.practice.exercise import exercises, find_exercise, source_of
from lessons.practice.proving import proof_of
from tfx_cli.learner.practised import Practised
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.practice.workspace import FIRST, standing_of

NAIVE = """import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str) -> Path:
    path = Path("tfx-practice/softmax.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def right() -> str:
    source = source_of(find_exercise("softmax").solved).replace("def solution(", "def softmax(").replace(": Any", "")
    return "import numpy as np\n\n\n" + source.replace(" -> Any", "").replace(": int", "")


def done() -> list[tuple[str, str, str]]:
    with open_to_read() as state:
        return [(line.act, line.verdict, line.mistake) for line in state.practice()]


def test_the_next_exercise_is_proposed_from_the_first_to_the_last(tfx):
    names = [FIRST, *(name for name in exercises() if name != FIRST)]
    assert tfx("practice").out == (
        f"Practice: 0 of {len(names)} exercises passed\n\n"
        f"  {names[0]}   {exercises()[names[0]].title}: new\n"
        f"  next   tfx practice start {names[0]}\n  all    tfx practice list\n"
        "  or     tfx practice derive\n         tfx practice debug\n"
    )
    tfx("practice", "start", names[0])
    assert f"next   tfx practice check {names[0]}\n" in tfx("practice").out
    with open_to_write() as state:
        for name in names:
            state.record_practice(name, "tried", "passed")
    assert tfx("practice").out.endswith("  All are passed.  Take one up again: tfx practice list\n")


def test_a_file_is_made_once_and_never_written_over(tfx):
    made = tfx("practice", "start", "softmax")
    assert made.out == (
        "tfx-practice/softmax.py: made for you.\nwrite   softmax(x, axis=-1)\n"
        "about   tfx explain softmax-attention --step one_row\nnext    edit it, then tfx practice check softmax\n"
    )
    path = write("mine")
    again = tfx("practice", "start", "softmax")
    assert again.out.startswith("tfx-practice/softmax.py: there already, and left as it is.\n")
    assert path.read_text() == "mine"


def test_a_mistake_is_named_and_kept_and_a_pass_too(tfx):
    write(NAIVE)
    ran = tfx("practice", "check", "softmax")
    n = len(find_exercise("softmax").cases)
    shows = len(proof_of(find_exercise("softmax")).kills["softmax/maximum-not-subtracted"])
    assert ran.code == 1
    assert ran.out == (
        "Not yet (not finite): p[0, 0] is nan, where 0.256588 is right.\n"
        "  input: scores near 10,000\n"
        "    x (2, 4): 9999.66 9999.56 9999.76 9999.55 9999.12 9999.95 9999.27 9999.45\n"
        "  steps: e is the first that is wrong.\n"
        "  e[0, 0] is inf, and 0.908148 is right.\n"
        "  by hand: e[0, 0] = exp(9999.66 - 9999.76) = 0.9081\n"
        f"  right on {n - shows} of {n} inputs.\n"
        f"  on all {n} inputs it gives what this mistake gives.\n\n"
        "This mistake has a name: the maximum is not subtracted first.\n"
        "  What is the largest number whose exponential still fits into float64?\n\n"
        "  look at: tfx explain softmax-attention --step the_overflow\n"
        "  1 quiz question about it is due: tfx quiz\n\n"
        "next    edit tfx-practice/softmax.py, then\n        tfx practice check softmax\n"
        "stuck   tfx practice hint softmax\n"
    )
    write(right())
    ran = tfx("practice", "check", "softmax")
    assert ran.code == 0 and ran.out == (
        "Right: the largest score cancels: subtract it before exp, along the axis that is\nto sum to 1.\n\n"
        "next      tfx practice\nabout     tfx explain softmax-attention --step one_row\n"
        "one way   tfx practice solution softmax\n"
    )
    assert done() == [("tried", "not finite", "softmax/maximum-not-subtracted"), ("tried", "passed", "")]


def test_a_finished_exercise_that_breaks_is_pending_again(tfx):
    write(right())
    tfx("practice", "check", "softmax")
    assert "Softmax that cannot overflow: passed\n" in tfx("practice", "list").out
    write(NAIVE)
    tfx("practice", "check", "softmax")
    assert "pending after 2 tries, passed before" in " ".join(tfx("practice", "list").out.split())


def test_json_of_a_verdict_has_the_fields_that_scripts_read(tfx):
    write(NAIVE)
    ran = tfx("practice", "check", "tfx-practice/softmax.py", "--exercise", "softmax", "--json")
    told = json.loads(ran.out)
    assert ran.code == 1 and told["verdict"] == "not finite" and told["framework"] == "numpy"
    assert told["mistake"] == {"id": "softmax/maximum-not-subtracted", "name": "the maximum is not subtracted first"}
    assert told["candidates"] == [] and told["rules"] == list(find_exercise("softmax").rules) and told["evidence"]
    assert done() == [], "a file that is judged for others is no try of the learner"


def test_plain_is_one_record_a_line(tfx):
    write("print('a')\n" + NAIVE)
    told = [line.split("\t") for line in tfx("practice", "check", "softmax", "--plain").out.splitlines()]
    assert told[0] == ["verdict", "not finite", "p[0, 0] is nan, where 0.256588 is right."]
    assert [line[0] for line in told[1:]] == [*["evidence"] * 7, "mistake", "printed", "look"]
    assert told[8][1:] == ["softmax/maximum-not-subtracted", "the maximum is not subtracted first"]


def test_json_of_the_list_has_every_signature_its_rules_and_its_bank(tfx):
    told = json.loads(tfx("practice", "list", "--json").out)["exercises"]
    assert [one["name"] for one in told] == list(exercises())
    (softmax,) = [one for one in told if one["name"] == "softmax"]
    assert softmax["signature"] == "softmax(x, axis=-1)" and softmax["topic"] == "softmax-attention"
    assert "softmax/not-divided" in softmax["mistakes"] and softmax["rules"] and softmax["state"] == "new"


def test_hints_come_in_order_and_the_last_one_stays(tfx):
    hints = find_exercise("softmax").hints
    for number in (1, 2, 3, 3):
        out = tfx("practice", "hint", "softmax").out
        assert " ".join(out.split()) == f"hint {number} of 3 {hints[number - 1]}"
        assert max(map(len, out.splitlines())) <= 80


def test_a_solution_is_shown_after_a_pass_or_after_giving_up(tfx):
    ran = tfx("practice", "solution", "softmax")
    assert ran.code == 2 and "softmax is not passed yet" in ran.err and done() == []
    shown = tfx("practice", "solution", "softmax", "--give-up").out
    assert shown.startswith("def softmax(x") and done() == [("gave up", "", "")]
    assert tfx("practice", "solution", "softmax").out == shown
    assert not standing_of("softmax", lines()).passed


def lines() -> list[Practised]:
    with open_to_read() as state:
        return state.practice()


@pytest.mark.slow
def test_every_exercise_is_proved_by_the_command_too(tfx):
    told = json.loads(tfx("practice", "dev", "check", "--json").out)
    assert told["proved"] is True and all(one["faults"] == [] for one in told["exercises"])
    assert len(told["exercises"]) == len(exercises())


def test_chosen_exercises_are_proved_by_the_command(tfx):
    page = tfx("practice", "dev", "check", "softmax", "causal-shift").out
    assert "2 exercises, " in page and page.endswith(" 0 faults\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chek"], 'no action of practice is called "chek". Did you mean "check"?'),
        (["chek", "softmax"], 'no action of practice is called "chek". Did you mean "check"?'),
        (["start"], "start needs the name of an exercise."),
        (["start", "sofmax"], 'no exercise is called "sofmax". Did you mean "softmax"?'),
        (["check"], "check needs the name of an exercise, or a file."),
        (["check", "softmax"], "tfx-practice/softmax.py is not there yet."),
        (["check", "no.py", "--exercise", "softmax"], 'there is no file "no.py".'),
        (["check", ".", "--exercise", "softmax"], '"." is a folder.'),
        (["check", "--exercise", "softmax"], "--exercise says what a file is for, and no file is named."),
        (["list", "--give-up"], "--give-up goes with solution."),
        (["list", "--exercise", "softmax"], "--exercise goes with check."),
        (["sofmax"], 'no exercise is called "sofmax". Did you mean "softmax"?'),
        (["adam-bias"], '"adam-bias" is a derivation.'),
        (["softmax", "attention"], '"attention" is too much after softmax.'),
        (["hint"], "hint needs the name of an exercise."),
        (["check", "tfx-practice/sofmax.py"], '"tfx-practice/sofmax.py" is called after no exercise.'),
        (["list", "nothing-like-it"], 'no exercise has "nothing-like-it" in its name, title or topic.'),
        (["list", "norm", "--passed"], 'no exercise of those that are passed has "norm" in its name, title or topic.'),
        (["list", "--passed", "--pending"], "list takes one of --pending and --passed."),
        (["check", "--pending"], "list takes one of --pending and --passed."),
        (["dev"], "dev has two actions, new and check."),
    ],
)
def test_bad_words_get_a_sentence(words, message, tfx):
    ran = tfx("practice", *words)
    assert ran.code == 2 and ran.out == "" and ran.err.startswith(f"tfx: {message}\n     ")


def test_the_list_has_a_search_and_filters(tfx):
    def names(*words: str, derived: bool = False) -> list[str]:
        found = [line.split("\t")[0] for line in tfx("practice", "list", *words, "--plain").out.splitlines()]
        return [name for name in found if name.startswith("derive/") == derived]

    with open_to_write() as state:
        state.record_practice("layer-norm", "tried", "passed")
    every, norms = names(), names("norm")
    assert every == list(exercises()) and {"layer-norm", "rms-norm", "rms-norm-backward"} <= set(norms) < set(every)
    assert names("norm", "--passed") == names("--passed") == ["layer-norm"]
    assert names("norm", "--pending") == [name for name in norms if name != "layer-norm"]
    assert names("backward", "rms") == ["rms-norm-backward"], "every word counts"
    assert names("backward", "rms", derived=True) == ["derive/rms-norm"] and not names("--passed", derived=True)
    assert "\nDerivations, 0 of " in tfx("practice", "list", "rms").out
    told = json.loads(tfx("practice", "list", "softmax-attention", "--json").out)["exercises"]
    assert [one["name"] for one in told] == ["softmax"], "a topic's name is looked for too"


def test_a_name_alone_takes_the_exercise_up_and_without_a_name_it_is_gone_on_with(tfx):
    made = tfx("practice", "rope")
    assert made.out.startswith("tfx-practice/rope.py: made for you.\n") and made.code == 0
    assert "  rope   Rotary positions (RoPE): new\n  next   tfx practice check rope\n" in tfx("practice").out
    hint = tfx("practice", "hint")
    assert " ".join(hint.out.split()) == f"hint 1 of 3 {find_exercise('rope').hints[0]}"
    ran = tfx("practice", "check")
    assert ran.code == 1 and ran.out.startswith("Not yet (stub): rope is still empty: nothing is returned.\n")


def test_the_learner_s_file_may_be_named_by_its_path_and_from_its_own_folder(tfx, monkeypatch):
    write(NAIVE)
    assert tfx("practice", "check", "tfx-practice/softmax.py").code == 1
    monkeypatch.chdir("tfx-practice")
    for words in (["check", "softmax"], ["check", "softmax.py"]):
        ran = tfx("practice", *words)
        assert ran.code == 1 and "next    edit softmax.py, then\n" in ran.out
    assert [verdict for _, verdict, _ in done()] == ["not finite"] * 3
    assert tfx("practice", "start", "attention").out.startswith("attention.py: made for you.\n")
    assert not Path("tfx-practice").exists()


def test_all_that_passed_before_is_judged_again(tfx):
    path = write(right())
    tfx("practice", "check", "softmax")
    with open_to_write() as state:
        state.record_practice("rope", "tried", "passed")
    ran = tfx("practice", "check", "all")
    says = "Checked again: 1 exercise; none broke.\n  not in this folder, and not looked at: 1\n"
    assert (ran.code, ran.out) == (0, says)
    before = done()
    path.write_text(NAIVE, encoding="utf-8")
    ran = tfx("practice", "check", "all")
    assert ran.code == 1 and ran.out.splitlines()[:2] == [
        "Checked again: 1 exercise; 1 broke.", "  pending again   softmax   (not finite)",
    ]  # fmt: skip
    assert done() == [*before, ("tried", "not finite", "softmax/maximum-not-subtracted")]
    told = json.loads(tfx("practice", "check", "all", "--json").out)
    assert (told["checked"], told["broken"], told["not_here"]) == (1, {"softmax": "not finite"}, 1)


@pytest.mark.parametrize(
    "text", ["\ufeff" + NAIVE, NAIVE.replace("\n", "\r\n"), NAIVE.replace("    ", "\t"), NAIVE.rstrip("\n")]
)
def test_what_editors_do_to_a_file_changes_no_verdict(text, tfx):
    """A mark in front, line ends of Windows, tabs, no last line end."""
    path = write("")
    path.write_bytes(text.encode("utf-8"))
    ran = tfx("practice", "check", "softmax", "--plain")
    assert "mistake\tsoftmax/maximum-not-subtracted\t" in ran.out


def test_a_history_that_cannot_be_kept_takes_no_verdict_away(tfx, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    write(NAIVE)
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "file" / "home"))
    ran = tfx("practice", "check", "softmax")
    assert ran.code == 1 and ran.out.startswith("Not yet (not finite): ")
    assert ran.err.startswith("tfx: your history cannot be kept in ")
    ran = tfx("practice", "start", "rope")
    assert ran.code == 0 and "\nyour history cannot be kept in" in ran.out and Path("tfx-practice/rope.py").exists()


def test_a_folder_in_the_place_of_the_file_gets_a_sentence(tfx):
    Path("tfx-practice/softmax.py").mkdir(parents=True)
    ran = tfx("practice", "start", "softmax")
    assert ran.err == (
        'tfx: "tfx-practice/softmax.py" is a folder, where your file should be.\n'
        "     Move the folder, then try again.\n"
    )


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * 1_000_001])
def test_a_file_that_is_no_text_of_a_program_gets_a_sentence(data, tfx):
    Path("odd.py").write_bytes(data)
    ran = tfx("practice", "check", "odd.py", "--exercise", "softmax")
    assert ran.code == 2 and ran.err.startswith('tfx: "odd.py" ')


def test_beginning_anew_keeps_what_was_written(tfx):
    path = write("mine")
    ran = tfx("practice", "reset", "softmax")
    (kept,) = Path("tfx-practice").glob("softmax.*.kept")
    assert ran.out == f"{path}: begun anew.\nWhat you wrote is kept: {kept}\n"
    assert kept.read_text() == "mine" and path.read_text() == find_exercise("softmax").starter
    assert "begun anew.\n" in tfx("practice", "reset", "attention").out


def class_of(tmp_path):
    """Three files for softmax: one right, one with a known mistake, one that Python cannot read."""
    files = []
    for name, text in (("ada", right()), ("bob", NAIVE), ("cyd", "def softmax(x:\n")):
        path = Path(name) / "softmax.py"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        files.append(str(path))
    return files


def test_a_class_is_graded_and_its_mistakes_are_counted(tfx, tmp_path):
    files = class_of(tmp_path)
    ran = tfx("practice", "grade", *files)
    assert ran.code == 1 and ran.out == (
        "passed  ada/softmax.py  passed\n"
        "FAILED  bob/softmax.py  not finite  softmax/maximum-not-subtracted\n"
        "FAILED  cyd/softmax.py  syntax\n"
        "1 of 3 passed\n   1  softmax/maximum-not-subtracted\n   1  syntax\n"
    )
    assert tfx("practice", "grade", files[0]).code == 0 and done() == []


def test_a_file_that_is_no_text_stops_no_other(tfx, tmp_path):
    files = class_of(tmp_path)
    Path(files[1]).write_bytes(b"\xff\xfe")
    ran = tfx("practice", "grade", *files)
    assert ran.code == 1 and ran.err == "" and ran.out.splitlines()[:4] == [
        "passed  ada/softmax.py  passed", "FAILED  bob/softmax.py  unreadable", "FAILED  cyd/softmax.py  syntax",
        "1 of 3 passed",
    ]  # fmt: skip


def test_check_and_grade_give_the_same_verdict(tfx, tmp_path):
    for path in class_of(tmp_path):
        checked = json.loads(tfx("practice", "check", path, "--exercise", "softmax", "--json").out)
        (graded,) = json.loads(tfx("practice", "grade", path, "--format", "json").out)["results"]
        assert graded == {name: value for name, value in checked.items() if name != "schema_version"}


def test_junit_is_xml_with_a_failure_for_each_wrong_file(tfx, tmp_path):
    root = ET.fromstring(tfx("practice", "grade", *class_of(tmp_path), "--format", "junit").out)
    assert root.tag == "testsuites" and (root.get("tests"), root.get("failures")) == ("3", "2")
    (suite,) = root
    assert [case.get("classname") for case in suite] == ["softmax"] * 3
    assert [[part.get("type") for part in case] for case in suite] == [[], ["not finite"], ["syntax"]]
    assert "the maximum is not subtracted first" in suite[1][0].text


def test_gradescope_gets_a_point_for_each_right_file(tfx, tmp_path):
    told = json.loads(tfx("practice", "grade", *class_of(tmp_path), "--format", "gradescope").out)
    assert told["score"] == 1.0 and [test["status"] for test in told["tests"]] == ["passed", "failed", "failed"]
    assert all(test["max_score"] == 1.0 and test["output"] for test in told["tests"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grade"], "grade needs files."),
        (["grade", "hers.py"], '"hers.py" is called after no exercise.'),
        (["list", "--format", "junit"], "--format goes with grade."),
    ],
)
def test_what_cannot_be_graded_gets_a_sentence(words, message, tfx):
    Path("hers.py").write_text("x = 1", encoding="utf-8")
    ran = tfx("practice", *words)
    assert ran.code == 2 and ran.out == "" and ran.err.startswith(f"tfx: {message}\n     ")
