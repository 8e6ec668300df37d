"""transformer-xl: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import pytest

import lessons.cost.transformer_xl.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def heard(by_more):
    """Every reach is that much longer."""

    def spoil(run, patch, by):
        right = run.reach
        patch.setattr(run, "reach", lambda memory, layers: right(memory, layers) + by_more)

    return spoil


def larger(run, patch, by):
    right = run.read
    patch.setattr(run, "read", lambda stack, x: right(stack, x) * by)


def all_before(by):
    return lambda n, segment, memory: KEPT["segment_memory_mask"](n, segment, 2 * memory)


class TestTransformerXl(TopicTests):
    lesson, steps = topic, 6
    seeds = range(2)
    changed = ["layers=1", "layers=4"]
    refused = ["layers=0", "layers=5"]
    spoilt = {
        "cut": Spoilt("cuts", heard(1), no_nan="a count"),
        "exact": Spoilt("remembered", instead(topic, "segment_memory_mask", all_before), no_nan="a mask"),
        "three": Spoilt("reach", heard(1), no_nan="a count"),
        "cut-free": Spoilt("relative", larger),
        "kept": Spoilt("squeezed", result(topic, "recall", lambda found, by: (0.98 * found[0] * by / by, found[1])),
                       nan_also={"lost"}),
        "lost": Spoilt("squeezed", result(topic, "recall", lambda found, by: (1.0 * by / by, found[1])),
                       nan_also={"kept"}),
    }  # fmt: skip


def test_reach_is_layers_times_memory():
    run = run_of("layers=1", seed=2)
    rows = tables(records_of(topic.reach, run))[0].rows
    assert [row["reach"] for row in rows] == [4, 8, 12]
    first = tables(records_of(topic.cuts, run))[0].rows
    assert [(row["memory"], row["reach"]) for row in first] == [(0, 0), (4, 4)]
    assert ask(topic.reach, run).answer == 6144 and ask(topic.remembered, run).answer == 8
    assert ask(topic.relative, run).answer == (4 + 3) - 2


def test_of_a_squeezed_group_one_token_is_named():
    rows = tables(records_of(topic.squeezed, run_of(seed=1)))[0].rows
    for row in rows:
        assert row["slots"] == 64 // row["rate"]
        assert row["exact"] == pytest.approx(row["group"] / row["rate"], abs=5)
    assert ask(topic.squeezed, run_of()).answer == 16


def test_sayings():
    run = run_of("layers=1")
    said = [r for step in (topic.reach, topic.relative) for r in records_of(step, run) if isinstance(r, Said)]
    assert [r.verdict for r in said] == ["false", "too strong"]
