"""regularization-dropout: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.regularization_dropout.lesson as topic
from lessons.writing import as_record
from tests.lessons.spoiling import Spoilt, TopicTests, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training.layer_drop import Cut
from tfx.records import Matrix, Question, Said

run_of = runs_of(topic)
FITTED = {("few", 0.0): (0.1, 2.9), ("few", 0.1): (0.1, 2.8), ("few", 0.5): (0.3, 2.3),
          ("ample", 0.0): (1.3, 1.25), ("ample", 0.5): (1.3, 1.2)}  # fmt: skip
CUT = {0.0: Cut(0.97, 0.4), 0.2: Cut(0.95, 0.9)}


def fitted(data, rate, value):
    """Loss on new points is value there, or NaN."""

    def spoil(run, patch, by):
        run.fitted = FITTED | {(data, rate): (FITTED[data, rate][0], value if by == by else by)}

    return spoil


def cut(rate, **wrong):
    def spoil(run, patch, by):
        run.cut = CUT | {rate: CUT[rate]._replace(**{k: v if by == by else by for k, v in wrong.items()})}

    return spoil


def dropping(change):
    """Dropout as the layer gives change(x, y, by)."""

    def spoil(run, patch, by):
        class Wrong(topic.Dropout):
            def forward(self, x, rng=None):
                y, cache = super().forward(x, rng)
                return change(x, y, by), cache

        patch.setattr(topic, "Dropout", Wrong)

    return spoil


def estimate(*which):
    """The estimate of that number, counted from 0, is off."""

    def spoil(run, patch, by):
        right, calls = topic.mean_with_error, []

        def wrong(values):
            mean, error = right(values)
            calls.append(mean)
            return (mean * by, error) if len(calls) - 1 in which else (mean, error)

        patch.setattr(topic, "mean_with_error", wrong)

    return spoil


def signal(at):
    def spoil(run, patch, by):
        right = topic.lab.signal

        def wrong(n, rate, rng):
            row = right(n, rate, rng)
            return row | {"variance": row["variance"] * by} if rate == at else row

        patch.setattr(topic.lab, "signal", wrong)

    return spoil


def ask(step, run=None):
    return next(r for r in records_of(step, run or run_of()) if isinstance(r, Question))


class TestRegularizationDropout(TopicTests):
    lesson, steps = topic, 8
    changed = [["rate=0.4", "sublayers=4"], ["rate=0.05", "sublayers=48"]]
    refused = ["rate=0.04", "rate=0.5", "sublayers=3", "sublayers=49"]
    spoilt = {
        "mean": Spoilt("set_to_zero", estimate(0)),
        "gradient": Spoilt("set_to_zero", result(topic, "dropout_backward", lambda g, by: g + (by - 1) * 1e-9)),
        "off": Spoilt("set_to_zero", dropping(lambda x, y, by: by * x), no_nan="a count"),
        "variance": Spoilt("noisier", signal(0.1)),
        "heavy": Spoilt("noisier", signal(0.7)),
        "gap": Spoilt("when", fitted("few", 0.5, 2.95), also={"ample"}),
        "ample": Spoilt("when", fitted("ample", 0.5, 0.9)),
        "skip": Spoilt("residual", dropping(lambda x, y, by: y if x.any() else y + 1e-9), no_nan="a count"),
        "stream": Spoilt("residual", dropping(lambda x, y, by: y * (np.arange(y.size) % 7 > 0)), no_nan="a count"),
        "sum": Spoilt("on_weights", estimate(0)),
        "row": Spoilt("on_weights", output(topic, "dropout_forward", lambda y, by: y * (1 + (by - 1) * 1e-9)),
            raises=IndexError),
        "ran": Spoilt("branches", estimate(0)),
        "branch": Spoilt("branches", estimate(1)),
        "survives": Spoilt("layer_drop", cut(0.2, cut=0.55)),
        "costs": Spoilt("layer_drop", cut(0.2, whole=0.8)),
    }  # fmt: skip


def test_what_stays_grows_and_a_number_is_dropped_in_the_draw_that_is_shown():
    shown = records_of(topic.set_to_zero, run_of("rate=0.2"))
    (drawn,) = (r.values for r in shown if isinstance(r, Matrix))
    x, mask, y = drawn
    assert {*np.round(mask, 9)} == {0.0, 1.25} and y == pytest.approx([a * b for a, b in zip(x, mask, strict=True)])
    assert ask(topic.set_to_zero, run_of("rate=0.2")).answer == pytest.approx(1.25)


def test_variances_are_computed_again():
    assert ask(topic.noisier).answer == pytest.approx(1 + 0.1 / 0.9 * 2)
    for row in tables(records_of(topic.noisier, run_of()))[0].rows:
        r = row["rate"]
        assert row["variance_law"] == pytest.approx(2 / (1 - r) - 1), "E[y * y] - 1 of a kept mean"


def test_shares_rows_and_blocks_are_computed_again():
    run = run_of("rate=0.3", "sublayers=5")
    assert ask(topic.residual, run).answer == pytest.approx(0.7**5)
    exps = [math.exp(s) for s in (1, 2, 0, 1.5)]
    assert ask(topic.on_weights, run).answer == pytest.approx(sum(exps[1:]) / sum(exps) / 0.7)
    assert ask(topic.branches).answer == pytest.approx(12 - sum(0.2 * i / 12 for i in range(1, 13)))
    assert ask(topic.layer_drop, standing_in()).answer == 3


def standing_in():
    run = run_of()
    run.fitted, run.cut = FITTED, CUT
    return run


def test_what_was_measured_is_told():
    run = standing_in()
    assert sentences(records_of(topic.when, run))[1] == (
        "With few points rate 0.5 takes 0.60 nats off the loss on new ones. With ample data it takes 0.05."
    )
    assert sentences(records_of(topic.layer_drop, run))[1] == (
        "Cut, the usual one falls to 40%; the one trained with rate 0.2 keeps 90%. The paper cuts Transformers."
    )
    rows = tables(records_of(topic.when, run))[0].rows
    assert [row["gap"] for row in rows] == pytest.approx([2.8, 2.7, 2.0, -0.05, -0.1])


def test_sums_of_rows_are_those_of_the_draws():
    shown = [as_record(each) for each in topic.on_weights(run_of(), np.random.default_rng(2))]
    p = np.exp([1.0, 2.0, 0.0, 1.5])
    draws = (np.random.default_rng(2).random((40_000, 4)) >= 0.1) / 0.9 * p / p.sum()
    sums = draws.sum(axis=1)
    assert sentences(shown)[1] == (
        f"Over many draws the sum is {sums.mean():.3f} on average; single rows lie between {sums.min():.2f} and "
        f"{sums.max():.2f}."
    )


def test_sayings_and_answers_have_their_reasons():
    run = standing_in()
    said = [r for step in (topic.when, topic.on_weights) for r in records_of(step, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["true with conditions", "false"]
    assert {step: ask(getattr(topic, step), run).explanation for step in WHY} == WHY


WHY = {
    "set_to_zero": "1 / 0.9: the mean stays, 0.9 * 1.111 = 1.",
    "noisier": "1 + 0.1 / 0.9 * 2.",
    "residual": "0.9^12.",
    "on_weights": "(1 - 0.174) / 0.9.",
    "branches": "12 - 0.2 * (1 + 2 + ... + 12) / 12.",
    "layer_drop": "Layers 2, 4, 6.",
}
