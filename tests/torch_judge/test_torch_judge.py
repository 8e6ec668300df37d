"""The answers that torch-judge is given: right ones are right, wrong ones wrong, and what it says of them."""

from __future__ import annotations

import re

import pytest

from lessons.practice.bank import mistake_ids
from tests.torch_judge.__main__ import KEPT, main
from tests.torch_judge.answering import KINDS, Problem, changed, difference
from tests.torch_judge.running import PROBLEMS, function_name, refusals, rows, table

EACH = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)


@pytest.fixture
def judge():
    torch = pytest.importorskip("torch")
    yield pytest.importorskip("torch_judge")
    torch.set_default_dtype(torch.float32)


def test_mistakes_of_our_banks_are_there():
    named = {wrong.ours for problem in PROBLEMS for wrong in problem.wrong} - {""}
    assert len(named) > 50 and not named - set(mistake_ids())


def test_every_answer_is_another_text():
    for problem in PROBLEMS:
        texts = [problem.right, *problem.also_right.values(), *(wrong.source for wrong in problem.wrong)]
        assert len(set(texts)) == len(texts) and len({wrong.says for wrong in problem.wrong}) == len(problem.wrong)


def test_a_change_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match="'c' stands there 0 times"):
        changed("a b a", ("c", "d"))
    with pytest.raises(ValueError, match="'a' stands there 2 times"):
        changed("a b a", ("a", "d"))


def test_the_table_that_is_kept_counts_what_stands_here():
    text = KEPT.read_text(encoding="utf-8")
    tried = {name: int(count) for name, count in re.findall(r"^\| (\w+) \| \d+ of \d+ \| (\d+) \|", text, re.MULTILINE)}
    assert tried == {problem.name: len(problem.wrong) for problem in PROBLEMS}
    assert re.search(r"^torch-judge [\d.]+, PyTorch [\d.]+\S*, Python [\d.]+, 20\d\d-\d\d-\d\d\. ", text, re.MULTILINE)


@EACH
def test_right_answers_are_right_and_accepted(problem: Problem, judge):
    name = function_name(problem)
    for source in (problem.right, *problem.also_right.values()):
        assert difference(problem, source, name) == "" and refusals(problem, source) == []


@EACH
def test_one_general_input_tells_every_wrong_answer(problem: Problem, judge):
    name = function_name(problem)
    found = {wrong.says: difference(problem, wrong.source, name) for wrong in problem.wrong}
    assert {says for says, kind in found.items() if kind not in KINDS} == set()


def test_what_the_package_refuses_and_accepts_is_told_as_it_is(judge):
    """Its test of softmax looks along the last axis alone; numbers that are not divided it sees."""
    (row,) = rows([problem for problem in PROBLEMS if problem.name == "softmax"])
    accepted = {wrong.says for wrong, _ in row.accepted}
    assert "always along the last axis" in accepted and "not divided" not in accepted
    assert row.right == (2, 2) and list(table([row]))[2].startswith("| softmax | 2 of 2 | 10 | ")


def test_without_the_package_it_is_said_what_to_install(monkeypatch, capsys):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main([]) == 2
    assert capsys.readouterr().err == "torch is not installed: pip install torch torch-judge\n"
