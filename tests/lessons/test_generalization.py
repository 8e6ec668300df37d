"""generalization: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.inside.generalization.lesson as topic
from lessons.course import find_topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)
LOST = {"sinusoidal": [0.3, 1.2], "rotary": [0.1, 0.9], "alibi": [0.3, 0.5]}


def ask(step, *given):
    return next(r for r in records_of(step, *given) if isinstance(r, Question))


def known_loss(name, seed):
    return np.repeat(LOST[name], [3, 5])


def call(name, which, wrong):
    """The function is wrong at its call of that number, counted from 1."""

    def spoil(run, patch, by):
        calls = []

        def instead_of(*given, **named):
            calls.append(1)
            right = KEPT[name](*given, **named)
            return wrong(right, by) if len(calls) == which else right

        patch.setattr(topic, name, instead_of)

    return spoil


def loss(kind, wrong):
    def spoil(run, patch, by):
        patch.setattr(topic, "lost", lambda name, seed: known_loss(name, seed) * (wrong * by if name == kind else 1))

    return spoil


def less(right, by):
    return 0.4 * right * by


def more(right, by):
    return right + by


class TestGeneralization(TopicTests):
    lesson, steps = topic, 7
    changed = [("digits=2", "lead=3"), ("digits=18", "lead=5")]
    refused = ["digits=1", "digits=19", "lead=2.9", "lead=5.1"]
    known = {"lost": known_loss}
    spoilt = {
        "many": Spoilt("new_texts", call("share_right", 1, less)),
        "few": Spoilt("new_texts", call("share_right", 2, more)),
        "apart": Spoilt("new_texts", call("share_right", 3, more)),
        "longer": Spoilt("new_texts", call("share_right", 4, more)),
        "free": Spoilt("by_length", call("share_right", 8, less)),
        "tied": Spoilt("by_length", call("share_right", 7, more)),
        "back": Spoilt("order", result(topic, "right_from_back")),
        "front": Spoilt("order", instead(topic, "right_from_front", lambda by: lambda a, b, looks: by)),
        "nine": Spoilt("order", lambda run, patch, by: setattr(run, "b", 9 - run.a), also=["front"], no_nan="digits"),
        "sinusoidal": Spoilt("beyond", loss("sinusoidal", 0.1), also=["alibi"]),
        "alibi": Spoilt("beyond", loss("alibi", 3)),
        "formula": Spoilt("spreading", result(topic, "needle_weight")),
        "short": Spoilt("spreading", call("copied_right", 1, less)),
        "long": Spoilt("spreading", call("copied_right", 4, more)),
        "heart": Spoilt("what_helps", call("share_right", 1, less)),
    }  # fmt: skip


def test_both_aliases_lead_here():
    assert {find_topic(name).name for name in ("arithmetic", "length-generalization")} == {"generalization"}


def test_sums_are_added_again_by_whole_numbers():
    run = run_of()
    whole = [
        tuple(sum(pair[side] * 10**i for i, pair in enumerate(pairs)) for side in (0, 1)) for pairs, _ in run.drawn
    ]
    first = {(one // 10, other // 10, one % 10 + other % 10 > 9) for one, other in whole}
    last = {(one % 10, other % 10) for one, other in whole}
    right = []
    for pairs, _ in run.asked[2]:
        (i, j), (k, m) = pairs
        right.append((i, j) in last and (k, m, i + j > 9) in first)
    rows = tables(records_of(topic.new_texts, run))[0].rows
    assert rows[0]["right"] == np.mean(right) and ask(topic.new_texts, run).answer == 300
    assert [row["right"] for row in rows[2:]] == [0, 0]
    of_three = [row["tied"] for row in tables(records_of(topic.by_length, run))[0].rows]
    assert of_three == [np.mean(right), 0, 0, 0]
    assert ask(topic.by_length, run).answer == pytest.approx(math.exp(11 * math.log(0.99)))


def test_rules_of_writing_by_whole_numbers():
    run = run_of()
    row = tables(records_of(topic.order, run))[0].rows[0]
    last, first = ((run.a + run.b)[:, i] for i in (1, 0))
    assert row["two"] == row["back"] == 1.0 and ask(topic.order, run).answer == 0.1
    assert row["one"] == 1.0 or row["one"] == np.mean(~((first == 9) & (last > 9)))
    assert [tables(records_of(topic.order, run))[0].rows[1][key] for key in ("one", "two")] == [
        seen(run, 1),
        seen(run, 2),
    ]
    text = sentences(records_of(topic.order, run))
    assert text[0].startswith("499 + 500 has 0 thousands, 499 + 501 has 1: only the last digit differs.")


def test_weights_and_losses_by_hand(monkeypatch):
    monkeypatch.setattr(topic, "lost", known_loss)
    assert ask(topic.spreading, run_of()).answer == pytest.approx(math.e**4 + 1)
    rows = tables(records_of(topic.spreading, run_of()))[0].rows
    keys = [16, 256, 4096, 65536]
    assert [row["weight"] for row in rows] == pytest.approx([math.e**4 / (math.e**4 + n - 1) for n in keys])
    found = ask(topic.beyond, run_of())
    assert found.answer == pytest.approx(LOST["sinusoidal"][1] - LOST["sinusoidal"][0])
    assert [row["far"] for row in tables(records_of(topic.beyond, run_of()))[0].rows] == pytest.approx([1.2, 0.9, 0.5])


def test_what_is_new_is_asked_beside_what_was_met():
    run = run_of()
    met, new = run.asked[3][:50], run.asked[3][50:]
    known = {column for pairs, _ in [*run.drawn, *met] for column in columns(pairs)}
    right = [known.issuperset(columns(pairs)) for pairs, _ in new]
    text = sentences(records_of(topic.what_helps, run))
    assert f"Of 50 new ones {np.mean(right):.0%} are right:" in text[1]
    assert ask(topic.what_helps, run).answer == 1.0


def columns(pairs):
    """Place, two digits, and whether a carry comes in."""
    below = [sum(sum(pair) * 10**i for i, pair in enumerate(pairs[:n])) for n in range(len(pairs))]
    return [(n, *pair, below[n] >= 10**n) for n, pair in enumerate(pairs)]


def seen(run, looks):
    """Sums that are right when each carry is taken from so many columns, by whole numbers."""
    right = []
    for one, other in zip(run.a.tolist(), run.b.tolist(), strict=True):
        told = []
        for i in range(len(one)):
            whole, near = (
                [int("".join(map(str, number[i:end]))) for number in (one, other)] for end in (None, i + looks)
            )
            told.append((sum(whole) >= 10 ** len(one[i:])) == (sum(near) >= 10 ** len(one[i : i + looks])))
        right.append(all(told))
    return np.mean(right)
