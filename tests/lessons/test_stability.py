"""training-stability: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.stability.lesson as topic
from lessons.writing import as_record
from tests.lessons.spoiling import Spoilt, TopicTests, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training.clipping import BY_NORM, BY_VALUE, NONE, Followed
from tfx.records import Matrix, Question, Said

run_of = runs_of(topic)
HIT = {
    ("SGD", NONE): Followed(0.26, 20_000.0, 700.0, 650.0, 3200.0, 1.0, 80.0),
    ("SGD", BY_NORM): Followed(0.26, 0.3, 0.2, 0.2, 3200.0, 1.0, 0.5),
    ("SGD", BY_VALUE): Followed(0.26, 5.0, 0.3, 0.25, 3200.0, 0.7, 0.5),
    ("Adam", NONE): Followed(0.26, 0.27, 0.3, 0.3, 3200.0, 1.0, 0.04),
    ("Adam", BY_NORM): Followed(0.25, 0.26, 0.2, 0.2, 3200.0, 1.0, 0.4),
}
COPIED = {("post-LN", 0): 0.16, ("post-LN", 20): 0.9, ("pre-LN", 0): 1.0}


def hit(*kind, **wrong):
    def spoil(run, patch, by):
        run.poisoned = HIT | {kind: HIT[kind]._replace(**{k: v if by == by else by for k, v in wrong.items()})}

    return spoil


def copied(kind, value):
    def spoil(run, patch, by):
        run.copied = COPIED | {kind: value if by == by else by}

    return spoil


def cut(name, change):
    """The clipping of that name leaves change(g, by)."""

    def spoil(run, patch, by):
        right = getattr(topic, name)

        def wrong(g, limit):
            norm = right(g, limit)
            g[:] = change(g, by)
            return norm

        patch.setattr(topic, name, wrong)

    return spoil


def ask(step, run=None):
    return next(r for r in records_of(step, run or standing_in()) if isinstance(r, Question))


def standing_in(*pairs):
    run = run_of(*pairs)
    run.poisoned, run.copied = HIT, COPIED
    return run


class TestStability(TopicTests):
    lesson, steps = topic, 8
    changed = [["limit=0.1", "growth=2"], ["limit=2", "growth=20"]]
    refused = ["limit=0.09", "limit=2.1", "growth=1", "growth=21"]
    spoilt = {
        "norm": Spoilt(
            "by_hand_", cut("clip_by_norm", lambda g, by: g * (1 + (by - 1) * 1e-9)), nan_also={"direction"}),
        "direction": Spoilt("by_hand_", cut("clip_by_norm", lambda g, by: g[::-1] * by / by), nan_also={"norm"}),
        "turns": Spoilt("by_hand_", cut("clip_by_value", lambda g, by: by * np.array([3.0, 4.0]))),
        "explodes": Spoilt("poisoned", hit("SGD", NONE, at_once=10.2)),
        "saved": Spoilt("poisoned", hit("SGD", BY_NORM, at_once=0.57)),
        "bounded": Spoilt("poisoned", hit("Adam", NONE, at_once=0.57)),
        "law": Spoilt("remembers", result(topic, "after_spike", lambda steps, by: [by * step for step in steps])),
        "crawls": Spoilt("remembers", hit("Adam", NONE, moved=0.21)),
        "sign": Spoilt("first_steps", result(topic.warmup, "first_step")),
        "breaks": Spoilt("first_steps", copied(("post-LN", 0), 0.51)),
        "mended": Spoilt("first_steps", copied(("post-LN", 20), 0.59)),
        "square": Spoilt("scores_grow", lambda run, patch, by: setattr(
            run, "growth", Odd(run.growth, by))),
        "normed": Spoilt("scores_grow", output(topic, "rms_norm_forward", lambda y, by: 2 * by * y)),
        "capped": Spoilt("scores_grow", output(topic, "soft_cap_forward", lambda y, by: y * by)),
    }  # fmt: skip


class Odd(int):
    """A growth whose square is off by a little."""

    def __new__(cls, value, by):
        odd = super().__new__(cls, value)
        odd.by = by
        return odd

    def __pow__(self, power):
        return int(self) ** power * (1 + (self.by - 1) * 1e-9)


def test_clipping_is_done_by_hand():
    shown = records_of(topic.by_hand_, run_of("limit=2"))
    (rows,) = (r.values for r in shown if isinstance(r, Matrix))
    assert rows.tolist() == [[3, 4], pytest.approx([1.2, 1.6]), [2, 2]]
    assert sentences(shown)[1] == (
        f"By value the direction turns (cosine {14 / (5 * math.sqrt(8)):.3f}), and the norm is {math.sqrt(8):.2f}."
    ) and ask(topic.by_hand_, run_of("limit=0.5")).answer == pytest.approx(0.3)  # fmt: skip


def test_the_sentences_of_what_was_measured():
    run = standing_in()
    assert sentences(records_of(topic.poisoned, run))[1:] == [
        "Its gradient has a norm of 3,200. Plain SGD moves by rate times gradient: from 0.26 nats to 20,000. With the "
        "norm clipped the loss is 0.30.",
        "Adam's step is hardly longer than its rate, whatever the gradient: 0.27. Its harm comes later.",
    ]
    assert sentences(records_of(topic.remembers, run))[1].startswith(
        "The network of the last step, 50 updates after its bad batch: without clipping it moves 10% as far as with it."
    )
    assert "A guess copies 17%." in sentences(records_of(topic.first_steps, run))[1]


def test_adams_steps_are_computed_again():
    m, v, steps = 0.0, 0.0, []
    for t in range(1, 602):
        g = 1000.0 if t == 401 else 1.0
        m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g * g
        steps.append(m / (1 - 0.9**t) / (math.sqrt(v / (1 - 0.98**t)) + 1e-9))
    shown = tables(records_of(topic.remembers, standing_in()))[0].rows
    assert [row["step"] for row in shown] == pytest.approx([steps[400 + row["later"]] for row in shown])
    assert ask(topic.remembers).answer == pytest.approx(1 / math.sqrt(1 + 0.98**100 * 0.02 * 1e6))


def test_scores_are_computed_again():
    shown = [as_record(each) for each in topic.scores_grow(run_of(), np.random.default_rng(4))]
    q, k = np.random.default_rng(4).standard_normal((2, 16, 32))
    raw = q @ k.T / math.sqrt(32)
    unit = (q / np.sqrt((q**2).mean(1, keepdims=True))) @ (k / np.sqrt((k**2).mean(1, keepdims=True))).T / math.sqrt(32)
    rows = tables(shown)[0].rows
    assert [row["top"] for row in rows] == pytest.approx(
        [np.abs(raw).max(), 64 * np.abs(raw).max(), np.abs(unit).max(), 10 * np.tanh(6.4 * np.abs(raw).max())], rel=1e-4
    )
    p = np.exp(64 * raw - (64 * raw).max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(1).mean() / math.log(16)
    assert rows[1]["even"] == pytest.approx(entropy)


def test_sayings_and_answers_have_their_reasons():
    steps = (topic.what_goes_wrong, topic.first_steps, topic.too_strong)
    said = [r.verdict for step in steps for r in records_of(step, standing_in()) if isinstance(r, Said)]
    assert said == ["false", "true with conditions", "true", "too strong", "true with conditions"]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY
    assert ask(topic.scores_grow).answer == 64 and ask(topic.first_steps).answer == pytest.approx(0.002)


WHY = {
    "by_hand_": "3 * 1 / 5.",
    "remembers": "1 / sqrt(1 + 0.133 * 20,000).",
    "first_steps": "0.04 / 20.",
    "scores_grow": "8 * 8.",
}
