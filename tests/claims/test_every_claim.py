"""Every claim comes out as it is on record, and every one can come out otherwise.

Beside a file of claims stands tests/claims/test_<file>.py with the table

    BREAKS = {"C001": {"tfx.claims.dot_products.dot_products_of": lambda original: lambda *a: 2 * original(*a)}, ...}

id -> what is planted (tests/lab/breaking.py): with it the verdict changes, or what is said beside it is not so.
"""

from __future__ import annotations

import functools
import importlib
import math
import re
import sys

import pytest

from tests.lab.breaking import Table
from tfx.claims import Trial, claims, judge
from tfx.claims.claim import SOURCES, Verdict, run_experiment
from tfx.claims.judging import Judged
from tfx.lab import experiments
from tfx.records import Check

MEASURABLE = [id for id, one in claims().items() if one.measure]


@functools.cache
def judged(id: str) -> Judged:
    return judge(claims()[id], Trial(0))


@pytest.mark.parametrize("id", MEASURABLE)
def test_the_verdict_on_record_comes_out(id):
    found = judged(id)
    assert not found.changed, [*found.checks]
    assert found.number and len({check.id for _, check in found.checks}) == len(found.checks)


@pytest.mark.parametrize("id", MEASURABLE)
def test_a_mistake_in_what_it_measures_changes_it(id):
    module = claims()[id].measure.__module__
    breaks = importlib.import_module(module.replace("tfx.claims.", "tests.claims.test_")).BREAKS
    forget(module)
    try:
        with Table(None).planted(breaks[id]):
            try:
                changed = judge(claims()[id], Trial(0)).changed
            except ArithmeticError:  # nothing is left to measure: that is noticed as well
                changed = True
    finally:
        forget(module)
    assert changed


def forget(module: str) -> None:
    """What was kept for several claims."""
    run_experiment.cache_clear()
    for thing in vars(sys.modules[module]).values():
        if hasattr(thing, "cache_clear"):
            thing.cache_clear()


@pytest.mark.parametrize("id", claims())
def test_what_is_said_is_whole(id):
    one = claims()[id]
    said = " ".join((one.says, one.why, one.section, one.paper))
    assert one.says[0].isupper() and one.says.endswith((".", "?")) and one.why and one.section and said.isascii()
    assert all(re.fullmatch(r"D\d:\d+", place) and place[:2] in SOURCES for place in one.where)
    assert len(one.section) <= 36, "longer names wrap in the table of `tfx claims`"
    assert not one.experiment or one.experiment in experiments()
    assert (one.verdict == Verdict.open) == (one.measure is None)


def test_nothing_but_numbers_decides():
    """A check whose measurement is NaN holds nowhere, so it can neither support nor contradict."""
    for id in MEASURABLE:
        for _, check in judged(id).checks:
            assert isinstance(check, Check) and (isinstance(check.measured, str) or not math.isnan(check.measured)), id
