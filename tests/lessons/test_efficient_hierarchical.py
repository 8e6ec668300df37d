"""efficient-hierarchical: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.cost.hierarchical.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def linear(by):
    return lambda t, c, heads: KEPT["projections"](t, c)


def quadratic(by):
    return lambda t, c: KEPT["attention_core"](t, c, 1)


def one_stage_less(by):
    return lambda stages, *given, **more: KEPT["FunnelStack"](stages[1:], *given, **more)


def never_back(by):
    return lambda stages, *given, n_decoder=None: KEPT["FunnelStack"](stages, *given)


def reduced_by(by):
    return lambda c, heads, r, rng: KEPT["SpatialReductionAttention"](c, heads, r // 2, rng)


def wider(by):
    return lambda c, heads, ff, kernel, **more: KEPT["ConformerSettings"](c, heads, ff, kernel + 2, **more)


class TestEfficientHierarchical(TopicTests):
    lesson, steps = topic, 6
    changed = [["tokens=128", "window=2"], "tokens=1024"]
    refused = ["tokens=100", "window=3"]
    spoilt = {
        "quarter": Spoilt("funnel", instead(topic, "attention_core", linear), no_nan="a count"),
        "half": Spoilt("funnel", instead(topic, "projections", quadratic), no_nan="a count"),
        "short": Spoilt("pooled", instead(topic, "FunnelStack", one_stage_less), no_nan="a count"),
        "long": Spoilt("pooled", instead(topic, "FunnelStack", never_back), no_nan="a count"),
        "reduced": Spoilt("pyramid", instead(topic, "SpatialReductionAttention", reduced_by), no_nan="a count"),
        "alone": Spoilt("swin", result(topic, "window_pairs", lambda pairs, by: pairs | True), no_nan="a mask"),
        "joined": Spoilt("swin", result(topic, "reached", lambda counts, by: counts[:1] * 4), no_nan="a count"),
        "reach": Spoilt("conformer", instead(topic, "ConformerSettings", wider), no_nan="a count"),
    }  # fmt: skip


def test_a_funnel_is_counted_again():
    rows = tables(records_of(topic.funnel, run_of("tokens=256")))[0].rows
    for row, t in zip(rows, (256, 128, 64), strict=True):
        core, rest = 2 * t * t * 512, 12 * t * 512**2
        assert (row["t"], row["core"], row["rest"]) == (t, core / 1e6, rest / 1e6)
        assert row["share"] == pytest.approx(100 * (core + rest) / (2 * 256 * 256 * 512 + 12 * 256 * 512**2))
    assert ask(topic.funnel, run_of()).answer == 0.25 and ask(topic.pooled, run_of()).answer == 6


def test_a_pyramid_is_counted_again():
    rows = tables(records_of(topic.pyramid, run_of()))[0].rows
    for row, (side, c, r) in zip(rows, ((32, 64, 8), (16, 128, 4), (8, 256, 2), (4, 512, 1)), strict=True):
        n, keys = side**2, side**2 // r**2
        assert (row["grid"], row["keys"]) == (f"{side} x {side}", keys)
        assert (row["core"], row["full"]) == (2 * n * keys * c / 1e6, 2 * n * n * c / 1e6)
    assert ask(topic.pyramid, run_of()).answer == 16


@pytest.mark.parametrize("m", [2, 4])
def test_news_in_windows(m):
    run = run_of(f"window={m}")
    rows = tables(records_of(topic.swin, run))[0].rows
    assert [rows[0][f"l{i}"] for i in (1, 2, 3, 4)] == [m * m] * 4
    assert rows[1]["l1"] == m * m < rows[1]["l2"] <= rows[1]["l3"] <= rows[1]["l4"] <= 64
    assert ask(topic.swin, run).answer == 64 * m * m


def test_the_convolution_reaches_its_kernel():
    assert ask(topic.conformer, run_of()).answer == 5
    assert "Run: 6 places leave the stack, and 24 with the decoder behind it." in sentences(
        records_of(lambda run: topic.pooled(run, np.random.default_rng(0)), run_of())
    )
    (said,) = [r for r in records_of(topic.pooled, run_of()) if isinstance(r, Said)]
    assert (said.claim, said.verdict) == ("C197", "true")
