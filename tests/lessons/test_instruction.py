"""instruction-reasoning: the text is computed, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.adaptation.instruction.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Formula, Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def place(i):
    """The gradient of one more place is not zero, or is none."""

    def change(gradient, by):
        gradient = gradient.copy()
        gradient[0, i] = 0 if i else by
        return gradient

    return result(topic, "cross_entropy_backward", change)


def longer(weights, by):
    return (np.append(weights[0], [[1.0]], axis=1), *weights[1:])


class TestInstruction(TopicTests):
    lesson, steps = topic, 8
    changed = [["made_for=2", "bits=4"], ["made_for=8", "bits=10"]]
    refused = ["made_for=1", "made_for=9", "bits=3", "bits=11"]
    spoilt = {
        "counts": Spoilt("answer_alone", place(-1), no_nan="a count"),
        "others": Spoilt("answer_alone", place(0), also={"counts"}),
        "chance": Spoilt("preferences", output(topic, "sigmoid_forward")),
        "right": Spoilt("parity_at_once", result(topic, "at_once", lambda y, by: np.append(y[1:], by)),
                         no_nan="a count"),
        "units": Spoilt("parity_at_once", result(topic, "zigzag", longer), no_nan="a count"),
        "steps": Spoilt("written", result(topic, "by_steps", lambda y, by: y + by * 1e-6 if len(y) == 1 else y)),
        "all": Spoilt("written", result(topic, "by_steps", lambda y, by: y if len(y) == 1 else by / by * np.append(
            y[1:], 1 - y[:1], axis=0))),
        "once": Spoilt("written", instead(topic, "at_once", lambda by: lambda bits, made: bits.sum(axis=1) % 2 * by),
                       no_nan="true or false"),
        "small": Spoilt("written", instead(topic, "SOLUTION", lambda by: (np.ones((2, 3)),)), no_nan="a count"),
        "add-up": Spoilt("slips", result(topic, "expected_exact_match", lambda p, by: p**0.5 * by / by)),
    }  # fmt: skip


def test_only_places_before_the_answer_count():
    run = run_of()
    rows = tables(records_of(topic.answer_alone, run))[0].rows
    assert [(row["read"], row["asked"], row["counts"]) for row in rows] == [
        ("Sort", ":", "no"), (":", "3", "no"), ("3", "1", "no"), ("1", "2", "no"),
        ("2", "1", "yes"), ("1", "2", "yes"), ("2", "3", "yes"),
    ]  # fmt: skip
    assert all((row["gradient"] > 0) == (row["counts"] == "yes") for row in rows)
    assert ask(topic.answer_alone, run).answer == 3


@pytest.mark.parametrize("seed", [0, 4])
def test_the_preferred_answer_is_worked_out_again(seed):
    run = run_of(seed=seed)
    good, bad = run.reward
    asked = ask(topic.preferences, run)
    chance = math.exp(good) / (math.exp(good) + math.exp(bad))
    assert asked.answer == pytest.approx(chance) and f"Rewards {good:g} and {bad:g}:" in asked.prompt and good > bad
    assert f"-ln of that, {-math.log(chance):.3f}." in sentences(records_of(topic.preferences, run))[1]


def test_parity_is_counted_again():
    run = run_of("bits=6", "made_for=3", seed=2)
    lines = [r.text for r in records_of(topic.written, run) if isinstance(r, Formula)]
    bits, told = ([int(x) for x in line.split()[1:]] for line in lines)
    assert told == [sum(bits[: i + 1]) % 2 for i in range(6)]
    rows = {row["length"]: row for row in tables(records_of(topic.written, run))[0].rows}
    right = sum(math.comb(8, s) * (s % 2 == ((s - 2) > 0.5 if s >= 3 else s % 2)) for s in range(9))
    assert rows[8]["once"] == pytest.approx(100 * right / 256) and rows[8]["steps"] == 100
    assert ask(topic.written, run).answer == 6 * 12 and ask(topic.parity_at_once, run).answer == 6
    line = next(r.text for r in records_of(topic.parity_at_once, run) if isinstance(r, Formula))
    assert line == "y = ReLU(s - 0) - 2 ReLU(s - 1) + 2 ReLU(s - 2) - 2 ReLU(s - 3) ..."


def test_slips_and_sayings():
    run = run_of()
    rows = tables(records_of(topic.slips, run))[0].rows
    assert [row["right"] for row in rows] == pytest.approx([100 * 0.99**n for n in (1, 5, 20, 100)])
    assert ask(topic.slips, run).answer == pytest.approx(100 * 0.99**20)
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["too strong", "true with conditions", "too strong", "too strong"]
