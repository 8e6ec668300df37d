"""efficient-linear: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.cost.linear.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def scaled(share):
    return lambda y, by: y * (1 + (by - 1) * share)


def at_one(by):
    """Token by token something else comes out than at once."""

    def forward(*given, chunk):
        y, cache = KEPT["causal_product_forward"](*given, chunk=chunk)
        return (y * by if chunk == 1 else y), cache

    return forward


def seen_once(by):
    """Performer's error stays what it is with few features."""
    few = KEPT["random_features"](16, 16)
    return lambda attend, heads: KEPT["error"](lambda *qkv: attend(*qkv, w=few), heads)


def twice_as_wide(run, patch, by):
    run.fq, run.fk = (np.concatenate([x, x * x], axis=1) for x in (run.fq, run.fk))


class TestEfficientLinear(TopicTests):
    lesson, steps = topic, 8
    changed = [["length=32", "features=16"], ["length=256", "features=512"]]
    refused = ["length=31", "length=257", "features=15", "features=513"]
    spoilt = {
        "same": Spoilt("smoother", result(topic, "smooth", scaled(1e-6))),
        "apart": Spoilt("not_symmetric", of_run("k", lambda k, by: k * 0 * by), no_nan="all are equal"),
        "tied": Spoilt("not_symmetric", result(topic, "lopsided", lambda off, by: off + (by - 1)), nan_also={"apart"}),
        "regrouped": Spoilt("sum_first", output(topic, "linear_attention_forward", scaled(1e-6))),
        "work": Spoilt("sum_first", result(topic, "work", lambda n, by: n + 1), no_nan="a count"),
        "one": Spoilt("division", output(topic, "linear_attention_forward", scaled(1e-6))),
        "grows": Spoilt("division", of_run("fk", lambda x, by: x * (np.arange(len(x)) < 4)[:, None]), no_nan="a sum"),
        "recurrent": Spoilt("recurrent", instead(topic, "causal_product_forward", at_one)),
        "rank": Spoilt("recurrent", twice_as_wide, no_nan="a count"),
        "unbiased": Spoilt("performer", result(topic, "positive_features", lambda phi, by: phi * by)),
        "falls": Spoilt("performer", instead(topic, "error", seen_once), also={"long"}, no_nan="a training"),
        "long": Spoilt("performer", of_run("v", lambda v, by: v * 0 + 1), also={"falls"}, no_nan="ones"),
        "waves": Spoilt("often_said", result(topic, "trigonometric_features", lambda x, by: abs(x)), no_nan="a sign"),
        "positive": Spoilt("often_said", result(topic, "positive_features", lambda x, by: x - 0.05), no_nan="a sign"),
    }  # fmt: skip


def test_a_smoothed_mean_by_hand():
    run = run_of(seed=3)
    a, b = (math.exp(run.q[0] @ run.k[j] / 4) for j in (0, 1))
    asked = ask(topic.smoother, run)
    assert asked.answer == pytest.approx((a * run.v[0, 0] + b * run.v[1, 0]) / (a + b))
    assert asked.prompt.startswith(f"Kernel {a:.3f} and {b:.3f}, values {run.v[0, 0]:.3f} and {run.v[1, 0]:.3f}:")


def test_asymmetries_are_measured_again():
    run = run_of(seed=1)
    rows = tables(records_of(topic.not_symmetric, run))[0].rows
    kernel = np.exp(run.q @ run.k.T / 4)
    assert rows[0]["off"] == pytest.approx(np.linalg.norm(kernel - kernel.T) / np.linalg.norm(kernel))
    tied = np.exp(run.q @ run.q.T / 4)
    weights = tied / tied.sum(axis=1, keepdims=True)
    assert rows[2]["off"] == pytest.approx(np.linalg.norm(weights - weights.T) / np.linalg.norm(weights))
    assert rows[1]["off"] == ask(topic.not_symmetric, run).answer < 1e-12


def test_without_the_division_outputs_grow():
    run = run_of("length=40")
    rows = tables(records_of(topic.division, run))[0].rows

    def phi(x):
        return np.where(x > 0, x + 1, np.exp(x))

    for row, t in zip(rows, (20, 40), strict=True):
        assert row["bare"] == pytest.approx(sum(float(phi(run.q[0]) @ phi(k)) for k in run.k[:t]))
    assert ask(topic.sum_first, run).answer == 40 * 16 * 16 + 40 * 16 + 40 * 16 * 16 + 40 * 16


def test_states_and_ranks_are_told():
    text = " ".join(sentences(records_of(topic.recurrent, run_of())))
    assert "Kept to write on: 272 numbers, after each number of tokens; softmax attention keeps 32 a token." in text
    assert ask(topic.recurrent, run_of()).answer == 16


def test_sayings():
    run = run_of()
    said = [r for r in records_of(topic.often_said, run) if isinstance(r, Said)]
    x, y = run.q / 2, run.k / 2
    w = KEPT["random_features"](64, 16, 0)
    waves = [sum(math.cos(n @ (a - b)) for n in w) < 0 for a in x for b in y]
    assert f"here {100 * np.mean(waves):.0f}% of their weights are negative" in said[0].truth
    assert [(r.claim, r.verdict) for r in said] == [
        ("C179", "false"), ("C180", "true with conditions"), ("C181", "true with conditions"),
    ]  # fmt: skip
