"""What every topic's tests inherit fails where a check cannot fail, fails too often, or is spoilt with company."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, result
from tfx.measure.verdicts import exactly


def two_numbers(run):
    """One check of each number, and one that cannot fail."""
    yield exactly("first", "one number", 2, run.first)
    yield exactly("second", "another number", 3, run.second)
    yield exactly("idle", "nothing", 0, 0)


def larger(run, patch, by):
    run.first *= by


def both(run, patch, by):
    run.first, run.second = by * run.first, by * run.second


def only_numbers(run, patch, by):
    run.first = 2 if math.isnan(by) else by * run.first


def company_of_nan(run, patch, by):
    run.first, run.second = by * run.first, 3 if by == by else by


class OfTwoNumbers(TopicTests):
    lesson = SimpleNamespace(two_numbers=two_numbers)
    steps = 1
    first = 2

    def run_of(self, *pairs, **more):
        return SimpleNamespace(first=self.first, second=3)


def tried(how, by, id="first", **more):
    topic = type("Made", (OfTwoNumbers,), {"spoilt": {id: how}, **more})()
    with pytest.MonkeyPatch.context() as patch:
        topic.test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(id, by, patch)


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("by", [1.5, math.nan])
def test_a_check_that_fails_alone_passes_and_so_does_one_with_the_company_that_is_named(by, cold):
    tried(Spoilt("two_numbers", larger), by, cold=cold)
    tried(Spoilt("two_numbers", both, also={"second"}), by, cold=cold)
    tried(Spoilt("two_numbers", company_of_nan, nan_also={"second"}), by, cold=cold)


@pytest.mark.parametrize(
    ("how", "by", "more"),
    [
        (Spoilt("two_numbers", both), 1.5, {"id": "idle"}),
        (Spoilt("two_numbers", only_numbers), math.nan, {}),
        (Spoilt("two_numbers", both), 1.5, {}),
        (Spoilt("two_numbers", both, nan_also={"second"}), 1.5, {}),
        (Spoilt("two_numbers", both), math.nan, {}),
        (Spoilt("two_numbers", larger, also={"second"}), 1.5, {}),
        (Spoilt("two_numbers", larger), 1.5, {"first": 1}),
    ],
    ids=[
        "cannot fail", "holds for NaN", "company", "company of NaN with a number", "unnamed company of NaN",
        "absent company", "fails before",
    ],
)  # fmt: skip
def test_what_is_not_as_the_table_says_is_an_error(how, by, more):
    with pytest.raises(AssertionError):
        tried(how, by, **more)


def test_what_numpy_may_raise_is_allowed_for_nan_alone():
    def refuses(run, patch, by):
        raise ArithmeticError

    tried(Spoilt("two_numbers", refuses, raises=ArithmeticError), math.nan)
    for how, by in (
        (Spoilt("two_numbers", refuses, raises=ArithmeticError), 1.5),
        (Spoilt("two_numbers", refuses), math.nan),
    ):
        with pytest.raises(ArithmeticError):
            tried(how, by)


def test_a_run_is_spoilt_once():
    """The next spoiler gets a run of which every check holds, although both start from one run."""
    topic = type("Made", (OfTwoNumbers,), {"spoilt": {"first": Spoilt("two_numbers", larger)}})()
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch:
            topic.test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number("first", 1.5, patch)


def test_what_is_spoilt_is_right_by_a_factor(monkeypatch):
    module, run = SimpleNamespace(f=lambda x: (x, "cache"), g=lambda x: x), SimpleNamespace(width=5)
    output(module, "f")(run, monkeypatch, 3.0)
    result(module, "g", lambda right, by: right - by)(run, monkeypatch, 3.0)
    of_run("width")(run, monkeypatch, 3.0)
    assert (module.f(2), module.g(2), run.width) == ((6.0, "cache"), -1.0, 15.0)
    instead(module, "g", lambda by: by)(run, monkeypatch, 3.0)
    assert module.g == 3.0
