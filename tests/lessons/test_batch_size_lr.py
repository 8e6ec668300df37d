"""batch-size-lr: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.batch_size.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training import batch_and_rate as lab
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def measured(batch, **wrong):
    def change(found, by):
        return found | {batch: found[batch] | {key: value * (by / by) for key, value in wrong.items()}}

    return of_run("measured", change)


def part(way, place, wrong):
    def change(found, by):
        pair = list(found[way])
        pair[place] = wrong * (by / by)
        return found | {way: tuple(pair)}

    return of_run("parts", change)


def taken(batch, name, wrong):
    def spoil(run, patch, by):
        right = run.steps
        run.steps = lambda b: right(b) | ({name: wrong * (by / by)} if b == batch else {})

    return spoil


class TestBatchSizeLr(TopicTests):
    lesson, steps = topic, 7
    changed = ["noise=16", "noise=128"]
    refused = ["noise=15", "noise=129"]
    spoilt = {
        "law": Spoilt("an_estimate", measured(64, noise=0.8)),
        "signal": Spoilt("an_estimate", measured(64, signal=0.8)),
        "same": Spoilt("in_parts", part(topic.TOKENS, 1, 1e-9)),
        "undivided": Spoilt("in_parts", part(topic.UNDIVIDED, 0, 4.001)),
        "off": Spoilt("in_parts", part(topic.TOKENS_PLAIN, 1, 5e-4)),
        "rules": Spoilt("two_rules", result(topic, "rate_for_batch", lambda rate, by: rate**by)),
        "linear": Spoilt("how_far", taken(32, "linear", 110)),
        "same-rate": Spoilt("how_far", taken(16_384, "same", 600)),
        "ends": Spoilt("how_far", taken(16_384, "linear", 3)),
        "wasted": Spoilt("how_far", lambda run, patch, by: patch.setattr(
            topic, "best_steps", lambda batch, *rest: 16_384 / batch * (by / by))),
        "half": Spoilt("critical_batch", result(topic, "best_step")),
        "product": Spoilt("critical_batch", result(topic, "steps_and_examples", lambda two, by: (two[0] * by, two[1]))),
        "stays": Spoilt("too_strong", measured(64, signal=0.3)),
    }  # fmt: skip


def test_steps_are_counted_again():
    def count(batch, rate):
        v = [1.0]
        while v[-1] > 0.1 and len(v) < 5000:
            v.append(v[-1] - 2 * rate * v[-1] + rate * rate * (v[-1] + 64 / batch))
        return len(v) - 1 if v[-1] <= 0.1 else "never"

    rows = {row["batch"]: row for row in tables(records_of(topic.how_far, run_of()))[0].rows}
    for batch, row in rows.items():
        times, rate = batch / 4, 0.1 / 64
        linear = count(batch, rate * times) if times < 4096 else "never"
        expected = [count(batch, rate), count(batch, rate * math.sqrt(times)), linear]
        assert [row[name] for name in ("same", "root", "linear")] == expected
        v, best = 1.0, 0
        while v > 0.1:
            v, best = v * 64 / (batch * v + 64), best + 1
        assert (row["best"], row["examples"]) == (best, batch * best)
    assert ask(topic.how_far, run_of()).answer == 8


def test_parts_are_added_again():
    run = run_of()
    rows = {row["way"]: row for row in tables(records_of(topic.in_parts, run))[0].rows}
    assert {way: (row["length"], row["error"]) for way, row in rows.items()} == {way: run.parts[way] for way in rows}
    assert rows["equal, not divided"]["length"] == pytest.approx(4) and rows["equal"]["error"] < 1e-14
    assert rows["equal, not divided"]["error"] == pytest.approx(3)


def test_noise_and_the_critical_batch_follow_the_measurement():
    run = run_of()
    run.measured = {4: {"noise": 2.0, "noise_law": 2.5, "signal": 1.0, "signal_se": 0.1, "noise_se": 0.1},
                    64: {"noise": 0.5, "noise_law": 0.6, "signal": 0.9, "signal_se": 0.1, "noise_se": 0.1}}  # fmt: skip
    told = sentences(records_of(topic.an_estimate, run))
    assert told[-1] == "At batch 4 the noise is 2.0 times as large as the gradient itself, at 64 it is 0.50."
    told = sentences(records_of(topic.critical_batch, run))[-1]
    assert told.startswith("The network above: 2.50^2 * 4 = 25 examples.")
    said = [r for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["false", "true with conditions", "true with conditions"]
    assert said[0].truth.startswith("The mean gradient stays: 1.00 and 0.90 of the whole here.")


def test_rules_and_answers():
    run = run_of()
    rows = tables(records_of(topic.two_rules, run))[0].rows
    assert [row["linear"] for row in rows] == pytest.approx([0.4, 1.6, 6.4])
    assert [row["root"] for row in rows] == pytest.approx([0.2, 0.4, 0.8])
    assert ask(topic.two_rules, run).answer == pytest.approx(0.004) and ask(topic.an_estimate, run).answer == 4
    assert ask(topic.in_parts, run).answer == 4 and ask(topic.critical_batch, run).answer == 2
    rows = tables(records_of(topic.critical_batch, run))[0].rows
    assert [(row["steps"], row["examples"]) for row in rows] == [(11, 1.1), (2, 2), (1.1, 11)]


def test_the_best_rate_is_the_best():
    left = [(1 - r) ** 2 * 0.7 + r**2 * 3 / 2 for r in np.linspace(0, 1, 2001)]
    assert lab.best_step(0.7, 2, 3) == pytest.approx(min(left), rel=1e-4)
    assert lab.best_steps(1, 1e6, 0.1, limit=10) == math.inf
