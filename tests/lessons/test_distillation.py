"""distillation: the text is computed, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.adaptation.distillation.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training.taught_points import Taught
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def few(**shares):
    return of_run("found", lambda found, by: {n: t if n == topic.MANY else t._replace(
        **{k: v * by / by for k, v in shares.items()}) for n, t in found.items()})  # fmt: skip


def flat(run, patch, by):
    """Temperature does nothing: the soft targets are those at 1."""
    run.soft = lambda temperature, soft=run.soft: soft(1.0) * by / by if temperature > 1 else soft(1.0)


def equal(run, patch, by):
    run.soft = lambda temperature: np.array([0.9, 0.06, 0.05]) * by / by


class TestDistillation(TopicTests):
    lesson, steps = topic, 7
    changed = [["points=100", "noise=0.4", "temperature=1.5"], ["points=400", "noise=0.2", "temperature=5"]]
    refused = ["points=99", "points=401", "noise=0.1", "noise=0.5", "temperature=1", "temperature=6"]
    spoilt = {
        "sum": Spoilt("more_than_a_label", output(topic, "softmax_forward"), nan_also={"ratio"}),
        "ratio": Spoilt("more_than_a_label", flat, nan_also={"sum"}),
        "value": Spoilt("the_loss", output(topic, "softmax_forward", lambda y, by: y**by / (y**by).sum())),
        "gradcheck": Spoilt("the_loss", result(topic, "distillation_loss_backward")),
        "limit": Spoilt("squared", instead(topic, "HOT", lambda by: 3.0 * by), no_nan="a temperature"),
        "falls": Spoilt("squared", result(topic, "distillation_loss_backward", lambda g, by: g * by / by * (
            3.0 if np.ptp(g) > np.ptp(G8) * 0.999 else 1.0)), also={"limit"}),
        "gain": Spoilt("same_points", few(teacher_taught=0.6, labels=0.57), also={"shrinks"}),
        "shrinks": Spoilt("same_points", of_run("found", lambda found, by: {n: t._replace(
            labels=0.8 * by / by, teacher_taught=0.86) for n, t in found.items()}), nan_also={"gain"}),
        "below": Spoilt("same_points", few(teacher=1.2)),
        "apart": Spoilt("too_strong", equal),
    }  # fmt: skip


def gradient(t):
    run = run_of()
    return topic.distillation_loss_backward(1.0, topic.distillation_loss_forward(run.x, run.z, float(t))[1])


G8 = gradient(8)


def test_soft_targets_and_the_loss_are_worked_out_again():
    run = run_of("temperature=3")
    p, q = ([math.exp(v / 3) for v in logits] for logits in (run.z, run.x))
    p, q = ([v / sum(each) for v in each] for each in (p, q))
    rows = tables(records_of(topic.more_than_a_label, run))[0].rows
    assert [row["soft"] for row in rows] == pytest.approx(p) and [row["label"] for row in rows] == [1, 0, 0]
    assert ask(topic.more_than_a_label, run).answer == pytest.approx(p[0])
    kl = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert ask(topic.the_loss, run).answer == pytest.approx(9 * kl)
    assert f"KL is {kl:.4f} nats." in sentences(records_of(topic.the_loss, run))[1]


def test_gradients_shrink_as_they_are_told_to():
    run = run_of()
    rows = tables(records_of(topic.squared, run))[0].rows
    for row in rows:
        p, q = (np.exp(v / row["t"]) / np.exp(v / row["t"]).sum() for v in (run.z, run.x))
        assert row["plain"] == pytest.approx(np.linalg.norm(q - p) / row["t"])
        assert row["squared"] == pytest.approx(np.linalg.norm(q - p) * row["t"])
    assert ask(topic.squared, run).answer == 4


def test_what_was_learned_is_told():
    run = run_of("points=300")
    run.found = {300: Taught(0.6, 0.8, 0.9), topic.MANY: Taught(0.85, 0.88, 0.9)}
    shown = records_of(topic.same_points, run)
    assert [(r["labels"], r["soft"], r["teacher"]) for r in tables(shown)[0].rows] == [
        pytest.approx((60, 80, 90)), pytest.approx((85, 88, 90)),
    ]  # fmt: skip
    assert sentences(shown)[1].startswith("With 300 points the teacher is worth 20 points of a hundred, with 4,000 3:")
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["true", "false", "too strong", "too strong"]
