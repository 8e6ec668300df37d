"""neural-layer: sums, collapses and starts are found another way, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.sequences.neural_layer.lesson as topic
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
from tfx.records import Question

TOPIC = "neural-layer"
KEPT = {name: getattr(topic, name) for name in ("linear_forward", "linear_backward", "best_line", "learn_xor")}


def run_of(*pairs: str) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs))


@pytest.mark.parametrize("pairs", [[], ["width=2", "hidden=2"], ["width=16", "hidden=32"]])
def test_every_check_holds(pairs):
    for seed in range(3):
        steps = steps_of(TOPIC, *pairs, seed=seed)
        assert len(steps) == 7 and not failed(steps) and set(checks(steps)) == {*SPOILT} and all_text(steps).isascii()


def other_map(run, monkeypatch, by):
    monkeypatch.setattr(topic, "linear_forward", lambda x, w, b: (by * KEPT["linear_forward"](x, w, b)[0], None))


def alone_otherwise(run, monkeypatch, by):
    right = KEPT["linear_forward"]

    def one_by_one(x, w, b):
        y, cache = right(x, w, b)
        return y * (by if len(x) == 1 else 1), cache

    monkeypatch.setattr(topic, "linear_forward", one_by_one)


def other_slope(run, monkeypatch, by):
    right = KEPT["linear_backward"]
    monkeypatch.setattr(topic, "linear_backward", lambda dy, cache: tuple(by * g for g in right(dy, cache)))


def no_bend(run, monkeypatch, by):
    def straight(x, w1, b1, w2, b2, name):
        return (x @ w1 + b1) @ w2 + b2 + 0 * by, None

    monkeypatch.setattr(topic, "feed_forward_forward", straight)


def other_stack(run, monkeypatch, by):
    right, calls = KEPT["linear_forward"], []

    def second(x, w, b):
        calls.append(1)
        return right(x, w, b)[0] * (by if len(calls) == 2 else 1), None

    monkeypatch.setattr(topic, "linear_forward", second)


def other_line(run, monkeypatch, by):
    monkeypatch.setattr(topic, "best_line", lambda: by * KEPT["best_line"]())


def other_solution(run, monkeypatch, by):
    w1, b1, w2, b2 = topic.SOLUTION
    monkeypatch.setattr(topic, "SOLUTION", (w1, b1, by * w2, b2))


def errors(bent, straight):
    def spoil(run, monkeypatch, by):
        monkeypatch.setattr(topic, "learn_xor", lambda *a, bend=True: np.full(topic.STARTS, bent if bend else straight))

    return spoil


def other_bend(name, change):
    def spoil(run, monkeypatch, by):
        forward, backward = topic.ACTIVATIONS[name]
        monkeypatch.setitem(topic.ACTIVATIONS, name, (lambda x: (change(forward(x)[0], by), None), backward))

    return spoil


#: check -> its step, and how it is spoilt.
SPOILT = {
    "by-hand": ("one_layer", other_map),
    "alone": ("tokens", alone_otherwise),
    "gradcheck": ("tokens", other_slope),
    "one": ("collapse", other_stack),
    "bent": ("collapse", no_bend),
    "line": ("xor", other_line),
    "solved": ("xor", other_solution),
    "never": ("learned", errors(0.1, 0.2)),
    "some": ("learned", errors(0.3, 0.5)),
    "tanh": ("bends", other_bend("tanh", lambda y, by: 1.1 * by * y)),
    "gelu": ("bends", other_bend("gelu", lambda y, by: y + 0.2 * by)),
}


@pytest.mark.parametrize("by", [1.1, math.nan])
@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(id, by, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    assert not failed_in(getattr(topic, step), run)
    spoil(run, monkeypatch, by)
    with np.errstate(all="ignore"):
        broken = failed_in(getattr(topic, step), run)
    assert id in broken and (broken == {id} or id == "one" or math.isnan(by))


def test_the_layer_by_hand():
    shown = records_of(topic.one_layer, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert (
        asked.answer == max(0, 2 * (-1) + (-1) * 1 + 1) and asked.explanation == "2 * (-1) + (-1) * 1 + 1, then ReLU."
    )
    assert sentences(shown)[1].startswith("By hand, the first number: 2 * 1 + (-1) * 3 + 0.5 = -0.5.")
    assert 2 * 1 + (-1) * 3 + 0.5 == -0.5 and sentences(shown)[1].endswith("So it becomes 0.")


def test_parameters_are_counted_and_xor_is_xor():
    assert sentences(records_of(topic.tokens, run_of("width=5")))[1] == (
        "W and b are learned: 30 numbers here, however many tokens there are."
    )
    shown = records_of(topic.xor, run_of())
    for row in tables(shown)[0].rows:
        one, two = max(0, row["a"] + row["b"]), max(0, row["a"] + row["b"] - 1)
        assert row["answer"] == row["a"] ^ row["b"] == one - 2 * two == row["net"] and row["h"] == f"{one}, {two}"
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == sum(a ^ b for a in (0, 1) for b in (0, 1)) / 4


def test_starts_that_learn_are_counted():
    run = run_of("hidden=3")
    shown = records_of(topic.learned, run)
    right = sum(e < 0.25 for e in KEPT["learn_xor"](0, 3, topic.STARTS, topic.STEPS))
    assert tables(shown)[0].rows[0]["right"] == right
    assert sentences(shown)[1].startswith(f"Without a bend no start can succeed. With it {right} of 40 do.")
    assert sentences(shown)[0].endswith("40 random starts, 3 hidden units, 1500 steps of gradient descent each:")
