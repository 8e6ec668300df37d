"""transformer-motivation: what is trained, counted and predicted is found another way, and every check can fail."""

from __future__ import annotations

import math

import pytest

import lessons.before.motivation.lesson as topic
from tests.lessons.steps import (
    all_text,
    checks,
    failed,
    failed_in,
    records_of,
    request_for,
    sentences,
    steps_of,
    tables,
)
from tfx.lab.sequences.recall import recall
from tfx.records import Question

TOPIC = "transformer-motivation"
CHAIN, PATH = topic.sequential_steps.measure_row, topic.path_length.measure_row


def run_of(*pairs: str) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs))


@pytest.mark.parametrize("pairs", [[], ["steps=40", "n=8"], ["steps=200", "n=4096"]])
def test_every_check_holds(pairs):
    for seed in range(3 if "steps=200" not in pairs else 1):
        steps = steps_of(TOPIC, *pairs, seed=seed)
        assert len(steps) == 6 and not failed(steps) and set(checks(steps)) == {*SPOILT} and all_text(steps).isascii()


def share(way, place, to):
    def spoil(run, monkeypatch, by):
        found = list(run.shares[way])
        found[place] = to * by / by
        run.shares = run.shares | {way: found}

    return spoil


def longer_chain(run, monkeypatch, by):
    rnn = topic.sequential_steps.RNN
    monkeypatch.setattr(topic.sequential_steps, "measure_row", lambda *a: {"n_64": 63 if a[1] == rnn else 4})


def longer_path(run, monkeypatch, by):
    attention = topic.path_length.ATTENTION
    monkeypatch.setattr(topic.path_length, "measure_row", lambda *a: {"n_64": 2 if a[1] == attention else 63})


def linear_work(run, monkeypatch, by):
    monkeypatch.setattr(topic, "attention_core", lambda n, d, heads: n * by)
    monkeypatch.setattr(topic, "recurrence", lambda n, d: 2)
    monkeypatch.setattr(topic, "total_matmul_flops", lambda costs: costs if by == by else math.nan)


def wider(run, monkeypatch, by):
    class Block:
        feed_forward, n_parameters = type("F", (), {"n_parameters": 0.5 * by / by}), 1.0

    monkeypatch.setattr(topic, "EncoderBlock", lambda *a: Block)


#: check -> its step, and how it is spoilt.
SPOILT = {
    "attention": ("remember", share("attention", 2, 0.85)),
    "near": ("remember", share("RNN", 0, 0.75)),
    "far": ("remember", share("RNN", 2, 0.65)),
    "rnn": ("counted", longer_chain),
    "attention-path": ("counted", longer_path),
    "pairs": ("not_free", linear_work),
    "share": ("not_free", wider),
}


@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong(id, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    assert not failed_in(getattr(topic, step), run)
    spoil(run, monkeypatch, 2)
    assert failed_in(getattr(topic, step), run) == {id}


@pytest.mark.parametrize("id", ["attention", "near", "far", "share"])
def test_a_check_does_not_hold_of_what_is_no_number(id, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    spoil(run, monkeypatch, math.nan)
    assert id in failed_in(getattr(topic, step), run)


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
