"""initialization: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.initialization.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training import first_values
from tfx.lab.training import initialisation as lab
from tfx.nn.init import normal
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def units(which, place, wrong):
    """Of the starts 0, 0.1 and random that one has another number."""

    def spoil(run, patch, by):
        found = [[0.0, 0.04, 2.3], [0.0, 0.3, 2.1], [1.5, 0.8, 0.5]]
        found[which][place] = wrong * (by / by)
        given = iter(found)
        patch.setattr(topic, "units_apart", lambda *rest: tuple(next(given)))

    return spoil


def left(activation, weights, place, wrong):
    def change(found, by):
        pair = list(found[activation, weights])
        pair[place] = wrong * (by / by)
        return found | {(activation, weights): tuple(pair)}

    return of_run("left", change)


def stream(place, change):
    return of_run("stream", lambda found, by: found | {24: tuple(
        size * change * (by / by) if at == place else size for at, size in enumerate(found[24]))})  # fmt: skip


class TestInitialization(TopicTests):
    lesson, steps = topic, 7
    changed = ["depth=10", "depth=100"]
    refused = ["depth=9", "depth=101"]
    spoilt = {
        "alike": Spoilt("why_random", units(1, 0, 1e-9)),
        "moved": Spoilt("why_random", units(1, 1, 0.001)),
        "random": Spoilt("why_random", units(2, 0, 0.05)),
        "forward": Spoilt("one_map", result(topic, "through_one", lambda two, by: (two[0] * by, two[1]))),
        "back": Spoilt("one_map", result(topic, "through_one", lambda two, by: (two[0], two[1] * by))),
        "vanishes": Spoilt("deep_stack", left(lab.LINEAR, lab.SMALL, 1, -5)),
        "keeps": Spoilt("deep_stack", left(lab.LINEAR, lab.XAVIER, 0, -2)),
        "explodes": Spoilt("deep_stack", left(lab.LINEAR, lab.LARGE, 1, 5)),
        "halves": Spoilt("relu_and_tanh", left(lab.RELU, lab.XAVIER, 0, -2)),
        "he": Spoilt("relu_and_tanh", left(lab.RELU, lab.HE, 1, -3)),
        "grows": Spoilt("adds_up", stream(1, 0.7)),
        "steady": Spoilt("adds_up", stream(0, 1.3)),
        "relu": Spoilt("too_strong", left(lab.RELU, lab.XAVIER, 0, -2)),
    }  # fmt: skip


def test_equal_units_stay_equal():
    apart, moved, loss = first_values.units_apart(0.0, 30, np.random.default_rng(2))
    assert apart == 0 and moved > 0 and loss == pytest.approx(math.log(10), abs=0.1)
    assert first_values.units_apart(0.2, 30, np.random.default_rng(2))[0] == 0
    assert first_values.units_apart(None, 30, np.random.default_rng(2))[0] > 0.5
    told = sentences(records_of(topic.why_random, run_of()))[1]
    assert "a model that guesses has 2.30 nats" in told


def test_one_map_follows_its_law():
    of_std = lambda rng, rows, columns, dtype: normal(rng, rows, columns, dtype, 0.1)  # noqa: E731
    forward, back = first_values.through_one(of_std, 50, 300, np.random.default_rng(0))
    assert forward == pytest.approx(50 * 0.01, rel=0.05) and back == pytest.approx(300 * 0.01, rel=0.05)
    rows = tables(records_of(topic.one_map, run_of()))[0].rows
    assert [row["var"] for row in rows] == pytest.approx([1 / 256, 1 / 640, 1 / 640])
    assert [row["law"] for row in rows] == pytest.approx([1, 0.4, 1.6])
    assert ask(topic.one_map, run_of()).answer == 1 / 16


@pytest.mark.parametrize("depth", [10, 30])
def test_stacks_are_walked_again(depth):
    run = run_of(f"depth={depth}")
    rows = {row["weights"]: row for row in tables(records_of(topic.deep_stack, run))[0].rows}
    signals = []
    for draw in range(3):
        rng = np.random.default_rng((0, draw))
        h, start = rng.standard_normal((1, 64)), None
        rng.standard_normal((1, 64))  # the gradient's
        start = math.sqrt((h**2).mean())
        for _ in range(depth):
            h = h @ (rng.standard_normal((64, 64)) / 16)
        signals.append(math.log10(math.sqrt((h**2).mean()) / start))
    assert rows["half Xavier"]["signal"] == pytest.approx(np.mean(signals), abs=1e-9)
    law = sum(1 / (k + 32) - math.log1p(1 / (k + 32)) for k in range(200_000))  # log(32) - digamma(32)
    assert rows["Xavier"]["law"] == pytest.approx(-depth * law / (2 * math.log(10)), rel=1e-3)
    assert ask(topic.deep_stack, run).answer == pytest.approx(-depth * math.log10(2))
    assert ask(topic.relu_and_tanh, run).answer == pytest.approx(-depth * math.log10(2) / 2)


def test_the_stream_and_the_sayings():
    run = run_of()
    rows = tables(records_of(topic.adds_up, run))[0].rows
    assert [(row["blocks"], row["scaled"], row["plain"]) for row in rows] == [
        (blocks, topic.stream_size(blocks, True, 32, 0), topic.stream_size(blocks, False, 32, 0)) for blocks in (6, 24)
    ]
    assert [row["factor"] for row in rows] == pytest.approx([12**-0.5, 48**-0.5])
    assert ask(topic.adds_up, run).answer == pytest.approx(48**-0.5) and ask(topic.why_random, run).answer == 0
    said = [r for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["true with conditions", "false", "too strong"]
    assert said[0].truth.endswith(f"With ReLU 10^{run.left[lab.RELU, lab.XAVIER][0]:.1f} of a signal is left here.")
