"""fine-tuning: the text is computed, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.adaptation.fine_tuning.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training.second_task import Known
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def last(**shares):
    """After the last update of all weights."""
    return of_run("on_the_way", lambda known, by: [*known[:-1], known[-1]._replace(
        **{name: share * by / by for name, share in shares.items()})])  # fmt: skip


def kept(way, share):
    """The first task after that way; None: just as bad as after all weights."""

    def change(after, by):
        first = after[topic.ALL].first if share is None else share
        return after | {way: after[way]._replace(first=first * by / by)}

    return of_run("after", change)


def moved(name, layer, way):
    return of_run("moved", lambda moved, by: moved | {name: [
        way * by / by if i == layer else found for i, found in enumerate(moved[name])]})  # fmt: skip


def more_kept(optimizer, by):
    right = [value for value in optimizer.state().values() if np.size(value) == optimizer.parameters.value.size]
    return type("O", (), {"state": lambda self: optimizer.state() | {"third": right[0]}})()


class TestFineTuning(TopicTests):
    lesson, steps = topic, 7
    changed = [["steps=60", "decay=0.3", "strength=0.05"], ["steps=200", "decay=0.7", "strength=0.5"]]
    refused = ["steps=59", "steps=201", "decay=0.2", "decay=0.8", "strength=0", "strength=1"]
    spoilt = {
        "forgotten": Spoilt("overwritten", last(first=0.96)),
        "learned": Spoilt("overwritten", last(second=0.89)),
        "rehearsed": Spoilt("keeps", kept(topic.REHEARSAL, None)),
        "pulled": Spoilt("keeps", kept(topic.PENALTY, None)),
        "bits": Spoilt("keeps", kept(topic.OWN_HEAD, 0.993)),
        "slower": Spoilt("smaller_rates", moved("one rate", 1, 0.01), also=()),
        "order": Spoilt("smaller_rates", moved("falling", topic.BLOCKS, 0.01)),
        "frozen": Spoilt("unfreezing", moved("thawing", 0, 1e-6)),
        "head": Spoilt("unfreezing", moved("thawing", topic.TOP, 0.009)),
        "numbers": Spoilt("hard", result(topic, "AdamW", more_kept), no_nan="a count"),
        "scatter": Spoilt("hard", of_run("spread", lambda spread, by: spread | {
            topic.FEW: [0.8 + 0.0001 * i * by for i in range(6)]})),
        "overwrites": Spoilt("too_strong", kept(topic.SLOW, 0.9)),
    }  # fmt: skip


def test_what_was_measured_is_told():
    run = run_of()
    run.on_the_way = [Known(0, 0.99, 0.3), Known(80, 0.79, 0.95)]
    run.after = {way: Known(80, 0.5 + i / 10, 0.6 + i / 10) for i, way in enumerate(topic.WAYS)}
    shown = records_of(topic.overwritten, run)
    assert "The first goes on falling, by 20 points here" in sentences(shown)[1]
    assert [(row["step"], row["first"], row["second"]) for row in tables(shown)[0].rows] == run.on_the_way
    rows = tables(records_of(topic.keeps, run))[0].rows
    assert [(row["way"], row["first"], row["second"]) for row in rows] == [(w, *k[1:]) for w, k in run.after.items()]
    run.spread = {10: [0.5, 0.7, 0.9], 300: [0.8, 0.85, 0.9]}
    text = " ".join(sentences(records_of(topic.hard, run)))
    assert "scatter 4 times as widely" in text and "AdamW keeps 4 numbers" in text and "that is 16 bytes" in text
    few = tables(records_of(topic.hard, run))[0].rows[0]
    assert few == {"n": 10, "mean": pytest.approx(0.7), "low": 0.5, "high": 0.9}


def test_rates_and_thawing_are_worked_out_again():
    run = run_of("decay=0.7")
    run.moved = {name: list(np.arange(1.0, 6)) for name in ("one rate", "falling", "thawing")}
    rows = tables(records_of(topic.smaller_rates, run))[0].rows
    assert [row["rate"] for row in rows] == pytest.approx([0.7**4, 0.7**3, 0.7**2, 0.7, 1])
    assert [row["one"] for row in rows] == [100, 200, 300, 400, 500] and rows[1]["layer"] == "block 1"
    rows = tables(records_of(topic.unfreezing, run))[0].rows
    assert [(row["layer"], row["first"], row["moved"]) for row in rows] == [
        ("head", 1, 500),
        ("block 3", 4, 400),
        ("block 2", 7, 300),
        ("block 1", 10, 200),
        ("embeddings", "not yet", 100),
    ]


def test_answers_and_sayings():
    run = run_of("decay=0.6", "strength=0.2")
    asked = (topic.overwritten, topic.keeps, topic.smaller_rates, topic.unfreezing, topic.hard)
    assert [ask(step, run).answer for step in asked] == pytest.approx([0.2, 0.06, 0.216, 10, 112])
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["true with conditions", "true with conditions", "too strong"]
