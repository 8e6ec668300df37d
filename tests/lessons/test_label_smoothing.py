"""label-smoothing: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.label_smoothing.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KNOWN = {"none": (0.8, 0.5, 0.3, 8.0), "some": (0.6, 0.5, 0.1, 4.0)}


def taught(name, at, value):
    def spoil(run, patch, by):
        found = list(KNOWN[name])
        found[at] = value if by == by else by
        run.taught = KNOWN | {name: tuple(found)}

    return spoil


def loss(lead, value):
    """A lead of about that costs value * by."""

    def spoil(run, patch, by):
        right = run.loss
        patch.setattr(run, "loss", lambda at, eps: value * by if abs(at - lead(run)) < 1e-9 else right(at, eps))

    return spoil


def ask(step, run=None):
    return next(r for r in records_of(step, run or run_of()) if isinstance(r, Question))


class TestLabelSmoothing(TopicTests):
    lesson, steps = topic, 8
    seeds = range(3)
    changed = [["eps=0.05", "classes=4"], ["eps=0.5", "classes=1000"]]
    refused = ["eps=0.04", "eps=0.6", "classes=3", "classes=1001"]
    spoilt = {
        "hard": Spoilt("never_reached", loss(lambda run: 16, 1e-3), also=("soft",)),
        "soft": Spoilt("never_reached", loss(lambda run: run.lead, 10.0)),
        "target": Spoilt("the_target", result(topic, "cross_entropy_backward", lambda g, by: g + (by - 1) * 1e-9)),
        "sum": Spoilt("the_target", of_run("target", lambda t, by: t * (1 + (by - 1) * 1e-9)), also=("target",)),
        "lead": Spoilt("best", result(topic.lab, "best_lead", lambda lead, by: lead + (by - 1) * 1e-6)),
        "still": Spoilt("best", result(topic, "cross_entropy_backward", lambda g, by: g + (by - 1) * 1e-9)),
        "floor": Spoilt("lowest", result(topic.lab, "lowest_loss", lambda at, by: at * (1 + (by - 1) * 1e-9))),
        "above": Spoilt("lowest", loss(lambda run: run.lead + 1, 0.3)),
        "kept": Spoilt("padding", lambda run, patch, by: patch.setattr(
            topic, "cross_entropy_forward", wrong_loss(topic.cross_entropy_forward, by))),
        "silent": Spoilt("padding", result(topic, "cross_entropy_backward", lambda g, by: g + (by - 1) * 1e-9)),
        "caught": Spoilt("padding", instead(topic, "run_controls", lambda by: lambda names: []), no_nan="a count"),
        "overconfident": Spoilt("to_a_model", taught("none", 0, 0.59)),
        "less-sure": Spoilt("to_a_model", taught("some", 3, 7.3)),
    }  # fmt: skip


def wrong_loss(right, by):
    """Off by a little where tokens are left out and smoothed."""

    def forward(logits, targets, smoothing=0.0, keep=None, **more):
        loss, cache = right(logits, targets, smoothing, keep, **more)
        return (loss * (1 + (by - 1) * 1e-9) if keep is not None and smoothing else loss), cache

    return forward


def nats(p):
    return -math.log(p)


@pytest.mark.parametrize(("eps", "k"), [(0.1, 10), (0.3, 5)])
def test_target_lead_and_lowest_loss_are_computed_by_hand(eps, k):
    run = run_of(f"eps={eps}", f"classes={k}")
    every = eps / k
    right = 1 - (k - 1) * every
    assert ask(topic.the_target, run).answer == pytest.approx(right)
    assert ask(topic.best, run).answer == pytest.approx(nats(every) - nats(right))
    assert ask(topic.lowest, run).answer == pytest.approx(right * nats(right) + (k - 1) * every * nats(every))
    shown = records_of(topic.lowest, run)
    assert sentences(shown)[1] == (
        f"By hand: {right:.4g} * {nats(right):.4f} for the right class, {k - 1} * {every:.4g} * {nats(every):.4f} "
        "for the others."
    )
    for row in tables(shown)[0].rows:
        e = row["eps"]
        for key, n in (("floor", k), ("many", 50_000)):
            p = np.full(n, e / n)
            p[0] += 1 - e
            assert row[key] == pytest.approx(-sum(x * math.log(x) for x in p if x))
        assert row["right"] == pytest.approx(1 - e + e / k)


def test_losses_of_leads_are_computed_again():
    for row in tables(records_of(topic.never_reached, run_of()))[0].rows:
        p = math.exp(row["lead"]) / (math.exp(row["lead"]) + 9)
        assert row["hard"] == pytest.approx(nats(p))
        assert row["soft"] == pytest.approx(0.91 * nats(p) + 0.09 * nats((1 - p) / 9))


@pytest.mark.parametrize("seed", [0, 3])
def test_the_ways_to_count_padding_are_computed_again(seed):
    rng = np.random.default_rng(5)
    logits = np.random.default_rng(5).standard_normal((3, 10))
    shown = [*map(topic_record, topic.padding(run_of(seed=seed), rng))]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    q = np.full((3, 10), 0.01)
    q[[0, 1, 2], [0, 1, 0]] += 0.9
    a, b, c = -(q * np.log(p)).sum(axis=1)
    rows = [row["loss"] for row in tables(shown)[0].rows]
    assert rows == pytest.approx([(a + b) / 2, (a + b) / 3, (a + b + c) / 3, (a + b - 0.01 * np.log(p[2]).sum()) / 2])
    plain = -(math.log(p[0, 0]) + math.log(p[1, 1])) / 2
    assert tables(shown)[0].title == f"smoothed by 0.1; without smoothing the loss is {plain:.3f}"
    assert f"their losses: {a:.3f}, {b:.3f} and, of a made-up target, {c:.3f}." in sentences(shown)[0]


def topic_record(shown):
    from lessons.writing import as_record

    return as_record(shown)


def test_what_was_measured_and_said_is_told():
    run = run_of()
    run.taught = KNOWN
    text = sentences(records_of(topic.to_a_model, run))
    assert text[1].startswith("Without smoothing it is surer than right by 0.30, with eps = 0.1 by 0.10.")
    shown = records_of(topic.too_strong, run)
    assert [each.verdict for each in shown if isinstance(each, Said)] == ["true", "too strong"]
    right = 0.900002
    entropy = right * nats(right) + 49_999 * 2e-6 * nats(2e-6)
    assert sentences(shown)[0].endswith(
        f"gives it {right:.3f}. Its perplexity is {1 / right:.3f}, not 1, and {math.exp(entropy):.2f} by the "
        "smoothed loss."
    )
    assert "0.91 for eps = 0.1 and 10 classes" in sentences(records_of(topic.interview, run))[0]
    assert "is the entropy of the target, 0.5003 nats, not 0." in sentences(records_of(topic.interview, run))[0]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY


WHY = {
    "the_target": "0.9 stay, and eps / K = 0.01 comes back.",
    "best": "ln(0.91 / 0.01).",
    "lowest": "0.0858 + 0.4145.",
    "padding": "The mean of the two that count.",
}
