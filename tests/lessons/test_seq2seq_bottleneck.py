"""seq2seq-bottleneck: shares, noise and contexts are found another way, and every check can fail."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import lessons.before.seq2seq_bottleneck.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.sequences.reversal import Reverser
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def shares(way, change):
    def spoil(run, patch, by):
        run.shares = run.shares | {way: change(run.shares, by)}

    return spoil


def louder(part):
    def spoil(run, patch, by):
        class Loud(Reverser):
            def encode(self, ids):
                states, last = super().encode(ids), self.codes[ids[:, -1]]
                others = states[:, -1] - last
                states[:, -1] = last * (by if part == "signal" else 1) + others * (by if part == "noise" else 1)
                return states

        patch.setattr(topic, "Reverser", Loud)

    return spoil


def weights(change):
    def spoil(run, patch, by):
        class Other(Reverser):
            def with_attention(self, ids):
                found = super().with_attention(ids)
                return found._replace(weights=change(found.weights, by))

        patch.setattr(topic, "Reverser", Other)

    return spoil


def other_mean(run, patch, by):
    patch.setattr(topic, "attend_forward", lambda s, v: (v[:1] * by, None))


def states_lost(run, patch, by):
    class Fewer(KEPT["RecurrentSeq2Seq"]):
        def encode(self, ids):
            return super().encode(ids)[0][:, 1:], None

    patch.setattr(topic, "RecurrentSeq2Seq", Fewer)


class TestSeq2seqBottleneck(TopicTests):
    lesson, steps = topic, 9
    changed = [asked("width=16", text="a"), asked("width=128", text="abcabcabcabc")]
    changed_seeds = range(3)
    refused = ["width=15", "width=129"]
    by = 1.5
    spoilt = {
        "falls": Spoilt("falls", shares("vector", lambda s, by: [*s["vector"][:-1], (s["vector"][0] - 0.1) * by / by])),
        "wider": Spoilt("falls", instead(topic, "share_right", lambda by: lambda *a: 0.01 * by)),
        "noise": Spoilt("why", louder("noise"), nan_also={"signal"}),
        "signal": Spoilt("why", louder("signal"), nan_also={"noise"}),
        "told": Spoilt(
            "own_words",
            shares("forced", lambda s, by: [*s["forced"][:-1], s["vector"][-1] * by / by]),
            nan_also={"never-worse"},
        ),
        "never-worse": Spoilt(
            "own_words", shares("forced", lambda s, by: [s["vector"][0] - 0.1 * by, *s["forced"][1:]])
        ),
        "by-hand": Spoilt("attention", output(topic, "attend_forward")),
        "sums": Spoilt("alignment", weights(lambda w, by: by * w), nan_also={"diagonal"}),
        "diagonal": Spoilt("alignment", weights(lambda w, by: w[:, ::-1] * by / by), nan_also={"sums"}),
        "attention": Spoilt("cured", shares("attention", lambda s, by: [1, 1, 1, 1, 0.9 * by / by])),
        "kept": Spoilt("compared", states_lost, no_nan="states are counted"),
        "mean": Spoilt("compared", other_mean),
    }


def test_shares_are_those_of_texts_that_are_written():
    """One cell of the table again: the same draws, and each symbol read from a state that is worked out here."""
    run, n, right = run_of("width=16"), 4, []
    rng = np.random.default_rng((0, n))
    for _ in range(8):
        model, ids = Reverser(rng, 16, 10), rng.integers(10, size=(50, n))
        state = sum(model.codes[ids[:, j]] @ np.linalg.matrix_power(model.turn, n - 1 - j) for j in range(n))
        for t in range(n):
            found = np.array([max(range(10), key=lambda v: model.codes[v] @ s) for s in state])
            right.append(found == ids[:, n - 1 - t])
            state = (state - model.codes[found]) @ np.linalg.inv(model.turn)
    row = next(row for row in tables(records_of(topic.falls, run))[0].rows if row["n"] == n)
    assert row["one"] == pytest.approx(100 * np.mean(right))


def test_predicted_numbers_are_found_another_way():
    steps = (topic.falls, topic.why, topic.limits, topic.attention)
    asked = {step.__name__: next(r for r in records_of(step, run_of()) if isinstance(r, Question)) for step in steps}
    assert asked["falls"].answer == 0.1 and asked["why"].answer == pytest.approx((16 / 32) ** 0.5)
    assert asked["limits"].answer == sum(32 * 32 for _ in range(100))
    e = [math.exp(s) for s in (2, 0, 1)]
    assert asked["attention"].answer == pytest.approx((e[0] * 10 + e[1] * 40 + e[2] * 20) / sum(e))
    a = [x / sum(e) for x in e]
    assert sentences(records_of(topic.attention, run_of()))[1].endswith(
        f"divided by their sum: {a[0]:.3f}, {a[1]:.3f}, {a[2]:.3f}."
    )
    lost = next(r for r in records_of(topic.compared, run_of()) if isinstance(r, Said))
    assert lost.truth == "A context is a weighted mean: with equal weights 1 and 3 give 2, and so do 0 and 4."


def test_the_noise_that_is_told_is_near_its_formula():
    said = sentences(records_of(topic.why, run_of()))[1]
    signal, noise = map(float, re.findall(r"answers with (.*?) on average, the noise is (.*?)\. When", said)[0])
    assert signal == pytest.approx(1, abs=0.3) and noise == pytest.approx(0.5**0.5, abs=0.1)
    assert sentences(records_of(topic.compared, run_of()))[-1] == (
        "The library's translator with attention keeps 5 states of 5 words, 40 of 40."
    )
