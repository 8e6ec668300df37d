"""context-length: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.cost.context_length.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def linear(by):
    """A pass whose work grows slower than its tokens."""
    return lambda sizes, t, logits: KEPT["token_costs"](sizes, int(t**0.5), logits=logits)


def one_more(by):
    return lambda sizes, t: (*KEPT["stored"](sizes, t), *KEPT["stored"](sizes, 1))


class TestContextLength(TopicTests):
    lesson, steps = topic, 5
    seeds = range(2)
    changed = ["ahead=1", "ahead=20"]
    refused = ["ahead=0", "ahead=21"]
    spoilt = {
        "cache": Spoilt("costs", instead(topic, "stored", one_more), no_nan="a count"),
        "work": Spoilt("costs", instead(topic, "token_costs", linear), no_nan="a count"),
        "falls": Spoilt("drown", result(topic, "needle_weight", lambda w, by: 1.2 - w), also={"half"}, no_nan="below"),
        "half": Spoilt("drown", result(topic, "needle_weight"), nan_also={"falls"}),
        "valley": Spoilt("middle", result(topic, "read_by_place", lambda row, by: (row + 1) * by), nan_also={"inside"}),
        "inside": Spoilt("middle", result(topic, "read_by_place", lambda row, by: np.roll(row, 33)), also={"valley"},
                         no_nan="a place"),
    }  # fmt: skip


def test_costs_are_counted_again():
    rows = tables(records_of(topic.costs, run_of()))[0].rows
    for row, t in zip(rows, (8192, 32_768, 131_072), strict=True):
        maps = 4096 * 4096 * 2 + 2 * 4096 * 1024 + 3 * 4096 * 14_336
        pairs = 32 * 2 * t * t * 4096
        work = 32 * t * maps + pairs + 4096 * 128_256
        assert row["work"] == pytest.approx(work / 1e15) and row["share"] == pytest.approx(100 * pairs / work)
        assert row["cache"] == 2 * 2 * 32 * 1024 * t / 1024**3
    assert ask(topic.costs, run_of()).answer == 131_072
    text = sentences(records_of(topic.costs, run_of()))[-1]
    assert f"the work {rows[2]['work'] / rows[0]['work']:.0f} times, since pairs grow 256 times." in text


def test_a_needle_in_more_and_more_hay():
    rows = tables(records_of(topic.drown, run_of("ahead=5")))[0].rows
    for row in rows:
        assert row["weight"] == pytest.approx(100 * math.exp(5) / (math.exp(5) + row["t"] - 1))
    assert ask(topic.drown, run_of()).answer == pytest.approx(math.exp(8) / (math.exp(8) + 999))


def test_the_valley_is_made_again():
    rows = tables(records_of(topic.middle, run_of()))[0].rows
    even = np.tril(np.ones((64, 64))) / np.arange(1, 65)[:, None]
    fall = np.tril(np.exp(-0.1 * np.subtract.outer(np.arange(64), np.arange(64))))
    start, end = np.linalg.matrix_power(even, 3)[-1], fall[-1] / fall[-1].sum()
    for row in rows:
        p = row["place"] - 1
        assert (row["start"], row["end"]) == pytest.approx((100 * start[p], 100 * end[p]))
    assert f"lowest at place {(start + end).argmin() + 1}." in sentences(records_of(topic.middle, run_of()))[-1]


def test_sayings():
    (said,) = [r for r in records_of(topic.longer, run_of()) if isinstance(r, Said)]
    assert (said.claim, said.verdict) == ("C295", "true with conditions")
    assert ask(topic.longer, run_of()).answer == 5000
