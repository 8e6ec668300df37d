"""neural-layer: sums, collapses and starts are found another way, and every check can fail."""

from __future__ import annotations

import numpy as np

import lessons.sequences.neural_layer.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def alone_otherwise(run, patch, by):
    right = KEPT["linear_forward"]

    def one_by_one(x, w, b):
        y, cache = right(x, w, b)
        return y * (by if len(x) == 1 else 1), cache

    patch.setattr(topic, "linear_forward", one_by_one)


def no_bend(run, patch, by):
    def straight(x, w1, b1, w2, b2, name):
        return (x @ w1 + b1) @ w2 + b2 + 0 * by, None

    patch.setattr(topic, "feed_forward_forward", straight)


def other_stack(run, patch, by):
    right, calls = KEPT["linear_forward"], []

    def second(x, w, b):
        calls.append(1)
        return right(x, w, b)[0] * (by if len(calls) == 2 else 1), None

    patch.setattr(topic, "linear_forward", second)


def other_solution(run, patch, by):
    w1, b1, w2, b2 = topic.SOLUTION
    patch.setattr(topic, "SOLUTION", (w1, b1, by * w2, b2))


def errors(bent, straight):
    def spoil(run, patch, by):
        patch.setattr(
            topic, "learn_xor", lambda *a, bend=True: np.full(topic.STARTS, by / by * (bent if bend else straight))
        )

    return spoil


def other_bend(name, change):
    def spoil(run, patch, by):
        forward, backward = topic.ACTIVATIONS[name]
        patch.setitem(topic.ACTIVATIONS, name, (lambda x: (change(forward(x)[0], by), None), backward))

    return spoil


class TestNeuralLayer(TopicTests):
    lesson, steps = topic, 7
    changed = [["width=2", "hidden=2"], ["width=16", "hidden=32"]]
    changed_seeds = range(3)
    refused = ["width=1", "width=17", "hidden=1", "hidden=33"]
    by = 1.1
    spoilt = {
        "by-hand": Spoilt("one_layer", output(topic, "linear_forward")),
        "alone": Spoilt("tokens", alone_otherwise),
        "gradcheck": Spoilt("tokens", result(topic, "linear_backward", lambda grads, by: tuple(by * g for g in grads))),
        "one": Spoilt("collapse", other_stack),
        "bent": Spoilt("collapse", no_bend),
        "line": Spoilt("xor", result(topic, "best_line")),
        "solved": Spoilt("xor", other_solution),
        "never": Spoilt("learned", errors(0.1, 0.2), no_nan="starts are counted"),
        "some": Spoilt("learned", errors(0.3, 0.5)),
        "tanh": Spoilt("bends", other_bend("tanh", lambda y, by: 1.1 * by * y)),
        "gelu": Spoilt("bends", other_bend("gelu", lambda y, by: y + 0.2 * by)),
    }


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
