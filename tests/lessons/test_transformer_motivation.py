"""transformer-motivation: what is trained, counted and predicted is found another way, and every check can fail."""

from __future__ import annotations

import math

import pytest

import lessons.before.motivation.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.sequences.recall import recall
from tfx.records import Question

CHAIN, PATH = topic.sequential_steps.measure_row, topic.path_length.measure_row
run_of = runs_of(topic)


def share(way, place, to):
    def spoil(run, patch, by):
        found = list(run.shares[way])
        found[place] = to * by / by
        run.shares = run.shares | {way: found}

    return spoil


def longer_chain(run, patch, by):
    rnn = topic.sequential_steps.RNN
    patch.setattr(topic.sequential_steps, "measure_row", lambda *a: {"n_64": 63 if a[1] == rnn else 4})


def longer_path(run, patch, by):
    attention = topic.path_length.ATTENTION
    patch.setattr(topic.path_length, "measure_row", lambda *a: {"n_64": 2 if a[1] == attention else 63})


def linear_work(run, patch, by):
    patch.setattr(topic, "attention_core", lambda n, d, heads: n * by)
    patch.setattr(topic, "recurrence", lambda n, d: 2)
    patch.setattr(topic, "total_matmul_flops", lambda costs: costs if by == by else math.nan)


def wider(run, patch, by):
    class Block:
        feed_forward, n_parameters = type("F", (), {"n_parameters": 0.5 * by / by}), 1.0

    patch.setattr(topic, "EncoderBlock", lambda *a: Block)


class TestTransformerMotivation(TopicTests):
    lesson, steps = topic, 6
    changed = [["steps=40", "n=8"], asked("steps=200", "n=4096", seed=0)]
    changed_seeds = range(3)
    refused = ["steps=39", "steps=201", "n=7", "n=4097"]
    by = 2.0
    spoilt = {
        "attention": Spoilt("remember", share("attention", 2, 0.85)),
        "near": Spoilt("remember", share("RNN", 0, 0.75)),
        "far": Spoilt("remember", share("RNN", 2, 0.65)),
        "rnn": Spoilt("counted", longer_chain, no_nan="steps are counted"),
        "attention-path": Spoilt("counted", longer_path, no_nan="steps are counted"),
        "pairs": Spoilt("not_free", linear_work, no_nan="work is counted"),
        "share": Spoilt("not_free", wider),
    }


def test_the_table_is_trained_as_it_says():
    rows = tables(records_of(topic.remember, run_of("steps=40")))[0].rows
    assert rows[1]["rnn"] == pytest.approx(100 * recall("RNN", 8, 0, 40))
    assert rows[2]["attention"] == pytest.approx(100 * recall("attention", 24, 0, 40))
    assert "with the same 40 steps, just now:" in sentences(records_of(topic.remember, run_of("steps=40")))[0]


def test_what_is_predicted_and_counted():
    steps = (topic.remember, topic.counted, topic.not_free)
    asked = {
        step.__name__: next(r for r in records_of(step, run_of("n=100")) if isinstance(r, Question)) for step in steps
    }
    assert asked["remember"].answer == 1 / 4 and asked["counted"].answer == len(range(1, 64))
    assert asked["not_free"].answer == (200 * 200) / (100 * 100) and asked["not_free"].prompt.startswith(
        "From n = 100 to 200:"
    )
    said = sentences(records_of(topic.not_free, run_of("n=100")))
    assert said[2] == (
        f"Counted at d = 512, n = 100: {2 * 100 * 100 * 512:,} for scores and sum, {2 * 100 * 512 * 512:,} for an RNN. "
        "They are equal at n = d."
    )
    feed_forward, maps, norms = 2 * 64 * 256 + 256 + 64, 4 * (64 * 64 + 64), 4 * 64
    assert f"(here {feed_forward / (feed_forward + maps + norms):.0%} of its parameters)" in said[0]
