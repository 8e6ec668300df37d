"""A fix is judged by what it does: unusual right ones pass, and what is nearly right does not."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.practice.debug.judging import judge, outcomes_here
from lessons.practice.debug.planting import puzzle_named
from lessons.practice.debug.program import programs
from lessons.practice.judging import Verdict
from tests.lessons.practice.debug.fixes import RIGHT, WRONG

#: the decoder is trained for each of its fixes
EACH = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "decoder" else name for name in programs()]
)


def verdict(name: str, old: str, new: str) -> Verdict:
    program = programs()[name]
    assert program.source.count(old) == 1, old
    with np.errstate(all="ignore"):
        return judge(program, outcomes_here(program, program.source.replace(old, new), twice=True))


@EACH
def test_unusual_right_fixes_pass(name):
    assert len(RIGHT[name]) >= 5
    assert {new: verdict(name, old, new).says for old, new in RIGHT[name] if not verdict(name, old, new).passed} == {}


@EACH
@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning")
def test_what_is_nearly_right_does_not_pass(name):
    assert len(WRONG[name]) >= 6
    assert [new for old, new in WRONG[name] if verdict(name, old, new).passed] == []


def test_a_mask_of_numbers_is_not_a_mask_and_places_are_whole_numbers():
    says = verdict("batches", "batch, batch != PAD", "batch, (batch != PAD) * 1").says
    assert says == "padded 2 has the right numbers, as numbers, where True and False are asked for."
    says = verdict("batches", "text], dtype=int)", "text], dtype=float)").says
    assert says == "encoded 2 has the right numbers, as floats, where whole numbers are asked for."


def test_where_a_line_is_missing_the_lines_on_both_sides_are_the_place():
    made = puzzle_named("block-1")
    (bug,) = made.bugs
    change = made.change(bug)
    assert change.wrong == () and change.right == ("    dx = dx + dout",)
    lines = made.source.split("\n")
    before, after = (lines[line - 1] for line in change.lines)
    assert "norm_backward" in before and after == "    return dw, dx"
