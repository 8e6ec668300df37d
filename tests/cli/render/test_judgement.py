"""Whether a claim holds, in one sentence: what is counted, and which check is nearest to its limit."""

from __future__ import annotations

import math

import pytest

from tfx.measure.verdicts import at_least, at_most, between, exactly, within
from tfx.records import Check
from tfx_cli.render.judgement import failing, holding, others_hold, share_of_limit


@pytest.mark.parametrize(
    ("check", "share"),
    [
        (within("a", "a", 1.0, 1.5, 2.0), 0.25),
        (within("a", "a", 1.0, -0.5, 2.0), 0.75),
        (within("a", "a", 1.0, 1.0, 0.0), None),
        (exactly("a", "a", 4.0, 4.0), None),
        (exactly("a", "a", "yes", "yes"), None),
        (at_most("a", "a", 4.0, 1.0), 0.25),
        (at_most("a", "a", -3.0, -12.0), 0.25),
        (at_most("a", "a", 3.0, -12.0), 0.0),
        (at_most("a", "a", 1e-9, 0.0), 0.0),
        (at_least("a", "a", 1.0, 4.0), 0.25),
        (at_least("a", "a", -1.0, -0.25), 0.25),
        (at_least("a", "a", -1.0, 0.25), 0.0),
        (between("a", "a", 1.0, 3.0, 2.5), 0.5),
        (between("a", "a", 1.0, 3.0, 1.5), 0.5),
        (Check("a", "a", "> 0", 1.0, "none", True), None),
        (Check("a", "a", 1.0, 1.0, "5 standard errors of 0.1", True), None),
    ],
)
def test_the_share_of_its_limit_that_a_check_uses(check, share):
    assert share_of_limit(check) == share


HALF, FAR = at_most("half", "a", 2.0, 1.0), within("far", "b", 0.0, 1e-9, 1.0)
WRONG = within("wrong", "c", 0.0, math.nan, 1.0)


def test_what_holds_is_said_with_the_check_that_is_nearest_to_its_limit():
    assert holding([HALF, FAR], claimed=True) == "It holds: 2 checks, the closest at 50% of its limit."
    assert holding([FAR], claimed=True) == "It holds: 1 check."
    assert holding([HALF, FAR], claimed=False) == "2 checks hold, the closest at 50% of its limit."
    assert holding([FAR], claimed=False) == "1 check holds."


def test_what_fails_is_counted_and_so_are_the_others():
    assert failing([HALF, FAR]) == "" and failing([]) == "" and others_hold(0) == ""
    assert failing([HALF, WRONG]) == "It does not hold here: 1 of 2 checks fails."
    assert failing([WRONG, WRONG, FAR]) == "It does not hold here: 2 of 3 checks fail."
    assert others_hold(1) == "The other 1 check holds." and others_hold(2) == "The other 2 checks hold."
