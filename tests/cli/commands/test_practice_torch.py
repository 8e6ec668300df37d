"""`tfx practice --framework torch`: files of their own, the words of its commands, and what is said without PyTorch."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lessons.practice import frameworks, in_torch
from lessons.practice.exercise import exercises, find_exercise
from lessons.practice.judging import Verdict
from tests.lessons.practice.torch_answers import SOFTMAX, WRONG

TORCH = ("--framework", "torch")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def there(monkeypatch):
    """As if PyTorch were installed; what is asked for is noted, and every file of it is right."""
    asked: list[tuple[str, str, str]] = []

    def judge_answer(exercise, path, source, framework="numpy"):
        asked.append((exercise.name, path.name, str(framework)))
        return replace(Verdict(exercise.name, "passed", "well."), framework=str(framework))

    monkeypatch.setattr(in_torch, "need_torch", lambda: None)
    monkeypatch.setattr(frameworks, "judge_answer", judge_answer)
    return asked


def test_a_file_of_its_own_is_made_with_the_words_for_tensors(tfx, there):
    out = tfx("practice", "start", "softmax", *TORCH).out
    path = Path("tfx-practice/torch/softmax.py")
    assert out.startswith(f"{path}: made for you.\nwrite   softmax(x, axis=-1)\n")
    assert out.endswith("next    edit it, then tfx practice check softmax --framework torch\n")
    assert path.read_text(encoding="utf-8") == find_exercise("softmax").starter_in("torch")
    assert not Path("tfx-practice/softmax.py").exists()
    path.write_text("mine", encoding="utf-8")
    kept = json.loads(tfx("practice", "reset", "softmax", *TORCH, "--json").out)["kept"]
    assert Path(kept).parent == path.parent and Path(kept).read_text(encoding="utf-8") == "mine"


def test_what_to_type_next_says_the_framework(tfx, there):
    found = re.search(
        r"^  next   tfx practice start (\S+) --framework torch$", tfx("practice", *TORCH).out, re.MULTILINE
    )
    assert found and exercises()[found[1]].has_torch
    first = found[1]
    tfx("practice", "start", first, *TORCH)
    assert f"next   tfx practice check {first} --framework torch\n" in tfx("practice", *TORCH).out
    assert f"next   tfx practice start {first}\n" in tfx("practice").out, "the one that is worked on"
    tfx("practice", "start", "softmax", *TORCH)
    ran = tfx("practice", "check", "softmax", *TORCH)
    assert ran.out.startswith("Right: well.\n\nnext      tfx practice --framework torch\n")
    assert there == [("softmax", "softmax.py", "torch")]


def test_a_file_that_is_not_begun_is_told_with_its_command(tfx, there):
    ran = tfx("practice", "check", "softmax", *TORCH)
    assert ran.code == 2 and ran.err.startswith("tfx: tfx-practice/torch/softmax.py is not there yet.\n")
    assert "tfx practice start softmax --framework torch" in ran.err


def test_grade_judges_all_files_in_the_framework_and_says_so(tfx, there):
    for name in ("softmax", "rope"):
        Path(f"{name}.py").write_text("import torch\n", encoding="utf-8")
    told = json.loads(tfx("practice", "grade", "softmax.py", "rope.py", "--format", "json", *TORCH).out)["results"]
    assert [one["framework"] for one in told] == ["torch", "torch"]
    assert there == [("softmax", "softmax.py", "torch"), ("rope", "rope.py", "torch")]
    assert told[0]["rules"] == find_exercise("softmax").rules_in("torch")


def test_hints_are_said_for_tensors(tfx, there):
    hint = tfx("practice", "hint", "attention", *TORCH).out
    assert "torch.swapaxes(k, -1, -2)" in hint and "np." not in hint


@pytest.mark.parametrize("words", [(), ("start", "softmax"), ("check", "softmax"), ("grade", "softmax.py")])
def test_without_pytorch_it_is_said_what_to_type_and_nothing_is_made(words, tfx, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else real(name, *more))
    ran = tfx("practice", *words, *TORCH)
    assert ran.code == 3 and ran.out == "" and ran.err.startswith("tfx: PyTorch is not installed.\n")
    assert 'Install it: pip install "tfx-learn[torch]"' in ran.err
    assert not Path("tfx-practice").exists()


@pytest.mark.parametrize("words", [("list",), ("solution", "softmax"), ("dev", "check")])
def test_where_a_framework_means_nothing_it_is_refused(words, tfx, there):
    ran = tfx("practice", *words, *TORCH)
    assert ran.code == 2 and ran.err.startswith(f"tfx: --framework does not go with {words[0]}.\n")


@pytest.mark.parametrize("words", [("start",), ("check",), ("hint",), ("reset",), ("grade", "bpe_merges.py")])
def test_an_exercise_about_texts_has_no_form_in_pytorch(words, tfx, there):
    Path("bpe_merges.py").write_text("", encoding="utf-8")
    ran = tfx("practice", *(words if len(words) > 1 else (*words, "bpe-merges")), *TORCH)
    assert ran.code == 2 and ran.out == "" and not there and not Path("tfx-practice").exists()
    assert ran.err.startswith(
        "tfx: bpe-merges is about texts: there are no tensors in it, and it has no form in PyTorch.\n"
    )
    assert "tfx practice start bpe-merges" in ran.err


def test_a_framework_that_is_not_known_is_refused(tfx):
    ran = tfx("practice", "check", "softmax", "--framework", "jax")
    assert ran.code == 2 and "'jax' is not one of" in ran.err


def test_with_pytorch_a_file_is_judged_and_its_mistake_named(tfx):
    pytest.importorskip("torch")
    tfx("practice", "start", "softmax", *TORCH)
    path = Path("tfx-practice/torch/softmax.py")
    path.write_text(WRONG["softmax along the last axis always"][3], encoding="utf-8")
    told = json.loads(tfx("practice", "check", "softmax", *TORCH, "--json").out)
    assert told["framework"] == "torch" and told["mistake"]["id"] == "softmax/always-the-last-axis"
    graded = json.loads(tfx("practice", "grade", str(path), *TORCH, "--format", "json").out)
    assert graded["results"] == [{name: value for name, value in told.items() if name != "schema_version"}]
    path.write_text(SOFTMAX, encoding="utf-8")
    assert tfx("practice", "check", "softmax", *TORCH).code == 0


def test_the_list_says_which_frameworks_an_exercise_has(tfx):
    told = {one["name"]: one["frameworks"] for one in json.loads(tfx("practice", "list", "--json").out)["exercises"]}
    assert told["softmax"] == ["numpy", "torch"] and told["bpe-merges"] == ["numpy"]
    assert all(one["texts"] != ("torch" in told[name]) for name, one in ((n, vars(e)) for n, e in exercises().items()))
