"""optimizers: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.optimizers.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training import optimizer_steps as lab
from tfx.optim import SGD
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
VALLEY = {
    "SGD": ((178, 0.0178), (175, 0.0178)),
    "SGD, momentum 0.9": ((82, 0.00316), (82, 0.00316)),
    "Adam": ((71, 0.1), (88, 0.178)),
    "Lion": ((472, 0.00316), (131, 0.01)),
}


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def steps_are(place, wrong):
    """The first call is the rate below the bound, the second the one above."""

    def spoil(run, patch, by):
        found = [wrong * (by / by) if at == place else value for at, value in enumerate([160, math.inf])]
        given = iter(found)
        patch.setattr(topic, "valley_steps", lambda *rest: next(given))

    return spoil


def found(name, where, steps):
    """In the valley that optimizer takes other steps."""

    def change(valley, by):
        both = list(valley[name])
        both[where] = (steps * (by / by), both[where][1])
        return valley | {name: tuple(both)}

    return of_run("valley", change)


def lost(apart, which, share):
    def change(decayed, by):
        row = list(decayed[apart])
        row[which] = share * (by / by)
        return decayed | {apart: row}

    return of_run("decayed", change)


def of_lion(against, length):
    def change(right, by):
        return (0.09 * by / by if against else right[0]), (right[1] * (1 + (by - 1) * 1e-8) if length else right[1])

    return result(topic, "against_the_sign", change)


def rebuilt(place, wrong):
    def spoil(run, patch, by):
        given = iter([wrong * by / by if place == 0 else 0.0, wrong * by / by if place == 1 else 0.8])
        patch.setattr(topic, "rebuilt_error", lambda g: next(given))

    return spoil


class TestOptimizers(TopicTests):
    lesson, steps = topic, 8
    changed = ["curved=50", "curved=400"]
    refused = ["curved=49", "curved=401"]
    spoilt = {
        "above": Spoilt("one_rate", steps_are(1, 900)),
        "below": Spoilt("one_rate", steps_are(0, 10_001)),
        "first": Spoilt("adam", result(topic, "first_step")),
        "adam": Spoilt("the_valley", found("SGD", 0, 80)),
        "across": Spoilt("the_valley", found("Adam", 1, 70)),
        "momentum": Spoilt("the_valley", found("SGD, momentum 0.9", 1, 85)),
        "against": Spoilt("less_state", of_lion(True, False)),
        "length": Spoilt("less_state", of_lion(False, True)),
        "rank-one": Spoilt("less_state", rebuilt(0, 1e-9)),
        "unrelated": Spoilt("less_state", rebuilt(1, 0.05)),
        "state": Spoilt("in_bytes", result(topic, "state_numbers")),
        "same": Spoilt("weight_decay", lost(True, 0, 0.19)),
        "differs": Spoilt("weight_decay", lost(False, 2, 0.5)),
        "gain": Spoilt("too_strong", found("SGD", 0, 80)),
    }  # fmt: skip


def test_the_valley_is_walked_again():
    x, steps = [1.0, 0.4], 0
    start = x[0] ** 2 + 100 * x[1] ** 2
    rate = 10 ** (-7 / 4)
    while x[0] ** 2 + 100 * x[1] ** 2 > 1e-4 * start:
        x, steps = [x[0] * (1 - rate), x[1] * (1 - 100 * rate)], steps + 1
    assert lab.best_in_the_valley(SGD, lab.curvature(100)) == (steps, pytest.approx(rate))
    rows = {row["name"]: row for row in tables(records_of(topic.the_valley, run_of()))[0].rows}
    assert rows["SGD"]["along"] == steps and rows["SGD"]["rate"] == pytest.approx(rate)
    assert {name: (row["along"], row["turned"]) for name, row in rows.items()} == {
        name: (along[0], turned[0]) for name, (along, turned) in VALLEY.items()
    }


def test_a_turned_valley_has_the_same_curvatures():
    assert np.linalg.eigvalsh(lab.curvature(30, 45)) == pytest.approx([1, 30])
    assert lab.curvature(30)[0, 1] == 0 and lab.curvature(30, 45)[0, 1] == pytest.approx(-14.5)
    assert lab.valley_steps(SGD, 0.5, lab.curvature(100), 50) == math.inf
    assert math.isnan(lab.best_in_the_valley(SGD, lab.curvature(100), limit=3)[1])


def test_questions_are_answered_again():
    run = run_of("curved=50")
    assert ask(topic.one_rate, run).answer == 2 / 50 and ask(topic.adam, run).answer == 0.01
    left, steps = 1.0, 0
    while left > 0.1:
        left, steps = left * 0.98, steps + 1
    assert ask(topic.the_valley, run).answer == steps
    assert ask(topic.less_state, run).answer == 512 + 2048 and ask(topic.in_bytes, run).answer == 56
    assert ask(topic.weight_decay, run).answer == pytest.approx(1 - math.exp(400 * math.log(1 - 0.0005)))
    assert "x_1 keeps at least 0.960 of itself" in sentences(records_of(topic.one_rate, run))[1]


def test_decay_is_computed_again():
    rows = tables(records_of(topic.weight_decay, run_of()))[0].rows
    assert [row["apart"] for row in rows] == pytest.approx([100 * (1 - 0.9995**400)] * 3, rel=0.05)
    w, mean, square = np.ones(16), np.zeros(16), np.zeros(16)
    bare, (m, v) = np.ones(16), (np.zeros(16), np.zeros(16))
    rng = np.random.default_rng((0, 1))
    for t in range(1, 401):
        noise = 100 * rng.standard_normal(16)
        grad = noise + 0.1 * w
        mean, square = 0.9 * mean + 0.1 * grad, 0.98 * square + 0.02 * grad**2
        w = w - 0.005 * mean / (1 - 0.9**t) / np.sqrt(square / (1 - 0.98**t))
        m, v = 0.9 * m + 0.1 * noise, 0.98 * v + 0.02 * noise**2
        bare = bare - 0.005 * m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.98**t))
    assert rows[2]["inside"] == pytest.approx(100 * (bare - w).mean(), rel=1e-4)


def test_state_is_counted_again():
    rows = tables(records_of(topic.in_bytes, run_of()))[0].rows
    share = (512 + 2048) / (512 * 2048)
    assert [row["gb"] for row in rows] == pytest.approx([0, 28, 28, 56, 56, 28 * share])


def test_lion_and_what_is_rebuilt():
    rng = np.random.default_rng(3)
    mean, differs = np.zeros(200), []
    for _ in range(100):
        g = 0.3 + rng.standard_normal(200)
        differs.append(((0.9 * mean + 0.1 * g) * g < 0).mean())
        mean = 0.99 * mean + 0.01 * g
    share, moves = lab.against_the_sign(np.random.default_rng(3))
    assert share == pytest.approx(np.mean(differs[20:])) and moves.shape == (100, 200)
    g = np.array([[1.0, 2.0], [3.0, 1.0]])
    assert lab.rebuilt(g) == pytest.approx(np.outer([5, 10], [10, 5]) / 15)


def test_sayings():
    run = run_of()
    run.valley = VALLEY
    said = [r for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["false", "true with conditions", "true with conditions"]
    assert said[2].truth.startswith("Where scales differ between numbers: here it gains 2.5 times along the axes.")
