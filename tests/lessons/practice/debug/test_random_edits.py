"""No random edit that is wrong is taken for a fix.  What is wrong is found on inputs that no fix is judged by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import pytest

from lessons.practice.debug.judging import difference, judge, judge_source, outcomes_here
from lessons.practice.debug.program import Program, planted, programs
from tests.lessons.practice.debug.other_inputs import calls
from tests.lessons.practice.debug.random_edits import edited

ROUNDS = 8


class Elsewhere:
    """The right program on other inputs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.calls = [call for seed in range(ROUNDS) for call in calls(program, np.random.default_rng(seed))]
        self.right = outcomes_here(program, program.source, self.calls)

    def wrong(self, source: str) -> bool:
        for call, right in zip(self.calls, self.right, strict=True):
            (got,) = outcomes_here(self.program, source, [call], twice=True)
            if difference(call, right, got):
                return True
        return False


def wrong_edits(program: Program, seed: int) -> Iterator[str]:
    """Without end: of a program with a bug, two of three times, else of the right one."""
    elsewhere, rng = Elsewhere(program), np.random.default_rng(seed)
    while True:
        bug = program.every[rng.integers(len(program.every))]
        start = planted(program.source, [bug]) if rng.random() < 2 / 3 else program.source
        source = edited(start, rng, int(rng.integers(1, 3)))
        try:
            compile(source, program.name, "exec")
        except (SyntaxError, ValueError):
            continue
        if elsewhere.wrong(source):
            yield source


EACH = pytest.mark.parametrize("program", programs().values(), ids=lambda one: one.name)


@EACH
def test_no_wrong_edit_passes(program):
    found = wrong_edits(program, 5)
    for source in (next(found) for _ in range(4)):
        assert not judge(program, outcomes_here(program, source, twice=True)).passed, source


@EACH
def test_an_equal_way_passes(program):
    """Read and written anew by Python, with every product turned round, which is the same to the last bit."""
    tree = ast.parse(program.source)
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            node.left, node.right = node.right, node.left
    source = ast.unparse(tree)
    assert source != ast.unparse(ast.parse(program.source))
    assert judge(program, outcomes_here(program, source, twice=True)).passed


@pytest.mark.slow
@EACH
def test_none_of_two_hundred_wrong_edits_passes(program, tmp_path):
    """25 of each of eight programs, each in a process of its own, as a learner's file."""
    assert 25 * len(programs()) >= 200
    found = wrong_edits(program, 16)
    for source in (next(found) for _ in range(25)):
        verdict = judge_source(program, tmp_path / "edited.py", source)
        assert verdict.kind in ("differs", "raises", "import", "missing"), (verdict, source)
