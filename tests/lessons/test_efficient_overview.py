"""efficient-overview: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.cost.overview.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.cost.attention_variants import VARIANTS, work
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = topic.attention_forward


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def row(way, **wrong):
    """The bench found something else of that way; NaN stands for itself."""

    def spoil(run, patch, by):
        run.rows = run.rows | {way: run.rows[way] | {key: value * by for key, value in wrong.items()}}

    return spoil


def scaled(share):
    """The window's output is too large by that share."""
    return output(topic, "longformer_attention_forward", lambda y, by: y * (1 + (by - 1) * share))


class TestEfficientOverview(TopicTests):
    lesson, steps = topic, 7
    seeds = range(3)
    changed = ["length=512"]
    refused = ["length=127", "length=513"]
    spoilt = {
        "half": Spoilt("to_save", result(topic, "feed_forward", lambda costs, by: costs[:1]), no_nan="a count"),
        "tiled": Spoilt("bench", row("tiled", off=1e-3)),
        "price": Spoilt("bench", row("linear", off=16.0)),
        "memory": Spoilt("bench", row("window", kept=2.0)),
        "pattern": Spoilt("on_a_pattern", scaled(1e-2), nan_also={"differs"}),
        "differs": Spoilt("on_a_pattern", instead(
            topic, "longformer_attention_forward", lambda by: lambda *heads, window: (KEPT(*heads)[0] * by / by, 0)),
            also={"pattern"}),
        "same-work": Spoilt("tiles", row("tiled", work=1.0), nan_also={"square"}),
        "square": Spoilt("tiles", row("tiled", more=4.0)),
    }  # fmt: skip


def test_shares_of_a_block():
    shown = records_of(topic.to_save, run_of())
    rows = tables(shown)[0].rows
    assert [r["t"] for r in rows] == [512, 4608, 32768]
    assert [r["share"] for r in rows] == pytest.approx([100 * t / (t + 6 * 768) for t in (512, 4608, 32768)])
    assert [r["weights"] for r in rows] == pytest.approx([4 * 12 * t * t / 1024**2 for t in (512, 4608, 32768)])
    assert "would save 10%: the network is the bottleneck." in " ".join(sentences(shown))


def test_the_bench_is_measured_again():
    run = run_of("length=128", seed=2)
    for name in ("exact", "linear"):
        (q, k, v), (q2, k2, v2) = run.heads(128), run.heads(256)
        attend = VARIANTS[name].make(128, 32, np.random.default_rng(2))
        whole = attention_forward(q, k, v)[0]
        found = run.rows[name]
        assert found["off"] == pytest.approx(100 * np.linalg.norm(attend(q, k, v)[0] - whole) / np.linalg.norm(whole))
        assert found["work"] == work(attend, (q, k, v)) and found["more"] == work(attend, (q2, k2, v2)) / found["work"]
    assert run.rows["exact"]["work"] == 2 * 128 * 128 * 32
    assert ask(topic.bench, run).answer == pytest.approx(2)
    shown = tables(records_of(topic.bench, run))[0].rows
    assert [r["way"] for r in shown] == list(topic.SHOWN) and shown[0]["share"] == 1


def test_the_pattern_is_counted_again():
    run = run_of()
    inside = sum(abs(i - j) <= 16 for i in range(128) for j in range(128))
    asked = ask(topic.on_a_pattern, run)
    assert asked.answer == pytest.approx(inside / 128**2) and asked.explanation == f"{inside:,} of {128**2:,}."
    said = [r for r in records_of(topic.on_a_pattern, run) if isinstance(r, Said)]
    q, k, v = run.heads(128)
    scores = np.exp(q @ k.T / np.sqrt(32.0))
    near = np.where(abs(np.subtract.outer(range(128), range(128))) <= 16, scores, 0)
    outs = [(e / e.sum(axis=1, keepdims=True)) @ v for e in (scores, near)]
    off = 100 * np.linalg.norm(outs[1] - outs[0]) / np.linalg.norm(outs[0])
    assert said[0].truth.endswith(f"these random rows are {off:.0f}% off.")
    assert [(r.claim, r.verdict) for r in said] == [("C185", "true with conditions"), ("C196", "true with conditions")]


def test_what_mixtures_meet():
    rows = tables(records_of(topic.since_then, run_of()))[0].rows
    assert [(r["full"], r["mixed"]) for r in rows] == [(8192, 6144), (131072, 67584)]
    assert ask(topic.since_then, run_of()).answer == 67584 / 131072
