"""lr-schedule: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.lr_schedule.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, tables
from tfx.lab.training import rate_over_time as lab
from tfx.records import Plot, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
COPIED = (0.17, 0.95)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def rate(change):
    """The run's rate is change(step, right, by)."""

    def spoil(run, patch, by):
        right = run.rate
        run.rate = lambda step: change(step, right(step), by)

    return spoil


def rest(which, wrong):
    def spoil(run, patch, by):
        found = [0.0526, 0.008, 0.005]
        found[which] = wrong * (by / by)
        given = iter(found)
        patch.setattr(topic, "at_rest", lambda *rest: next(given))

    return spoil


def higher_first(run, patch, by):
    right = KEPT["inverse_square_root"]
    patch.setattr(topic, "inverse_square_root", lambda step, w: right(step, w) * (by if step == 1 else 1))


def size(place):
    def change(sizes, by):
        return np.array([s * by if at == place % len(sizes) else s for at, s in enumerate(sizes)])

    return result(topic, "steps_under_noise", change)


class TestLrSchedule(TopicTests):
    lesson, steps = topic, 8
    changed = [["d_model=64", "warmup=100"], ["d_model=4096", "warmup=9999"]]
    refused = ["d_model=63", "warmup=99", "warmup=10001"]
    spoilt = {
        "peak-at": Spoilt("rises_and_falls", rate(lambda step, right, by: right * (by if step == 5000 else 1)
            if by != by else right * (2 if step == 5000 else 1))),
        "peak": Spoilt("by_hand", of_run("peak"), also={"quarter"}),
        "quarter": Spoilt("by_hand", rate(lambda step, right, by: right * (by if step == 16_000 else 1))),
        "middle": Spoilt("relatives", result(topic, "warmup_cosine")),
        "flat": Spoilt("relatives", higher_first),
        "first": Spoilt("why_it_rises", size(0)),
        "settled": Spoilt("why_it_rises", size(-1)),
        "breaks": Spoilt("what_breaks", of_run("copied", lambda c, by: (0.6 * (by / by), c[1]))),
        "saves": Spoilt("what_breaks", of_run("copied", lambda c, by: (c[0], 0.55 * (by / by)))),
        "hovers": Spoilt("why_it_falls", rest(0, 0.07), nan_also={"settles"}),
        "settles": Spoilt("why_it_falls", rest(1, 0.03)),
        "ratio": Spoilt("too_strong", result(topic, "warmup_inverse_square_root")),
    }  # fmt: skip

    def _run_to_spoil(self, step):
        """No training, but where training is looked at."""
        run = super()._run_to_spoil(step)
        run.copied = COPIED
        return run


def test_the_formula_is_computed_again():
    run = run_of("d_model=256", "warmup=1000")
    (table,) = tables(records_of(topic.by_hand, run))
    for row, t in zip(table.rows, (1, 500, 1000, 4000), strict=True):
        assert row["t"] == t
        assert row["rate"] == pytest.approx(min(1 / math.sqrt(t), t / 1000**1.5) / 16)
        assert (row["one"], row["two"]) == pytest.approx((1 / math.sqrt(t), t / 1000**1.5))
    assert ask(topic.by_hand, run).answer == pytest.approx(1 / math.sqrt(256_000))
    assert ask(topic.rises_and_falls, run).answer == 0.25
    (plot,) = (r for r in records_of(topic.rises_and_falls, run) if isinstance(r, Plot))
    assert plot.series[0].y[4] == pytest.approx(1000 / math.sqrt(256_000)) == max(plot.series[0].y)


def test_relatives_are_computed_again():
    rows = {row["kind"]: row for row in tables(records_of(topic.relatives, run_of()))[0].rows}
    w, half, late, end = 4000, 52_000, 90_400, 100_000
    root = [1 / w, 1, *(math.sqrt(w / t) for t in (half, late, end))]
    cosine = [(1 + math.cos(math.pi * (t - w) / 96_000)) / 2 for t in (half, late, end)]
    expected = {
        "inverse root (2017)": root,
        "linear (BERT)": [1 / w, 1, 0.5, 0.1, 0],
        "cosine": [1 / w, 1, *cosine],
        "hold, then linear": [1 / w, 1, 1, 0.5, 0],
        "flat, inverse root (T5)": [1, *root[1:]],
    }
    found = {kind: [row[k] for k in ("one", "w", "half", "late", "end")] for kind, row in rows.items()}
    assert {*found} == {*expected}
    assert all(found[kind] == pytest.approx(expected[kind], abs=1e-12) for kind in expected)


def test_steps_under_noise_are_computed_again():
    noise = np.random.default_rng(5).standard_normal((3, lab.MANY))
    sizes = lab.steps_under_noise(3, np.random.default_rng(5))
    m = v = 0.0
    for t, g in enumerate(noise, 1):
        m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g * g
        step = m / (1 - 0.9**t) / np.sqrt(v / (1 - 0.98**t))
        assert sizes[t - 1] == pytest.approx(np.sqrt((step**2).mean()), rel=1e-6)
    (table,) = tables(records_of(topic.why_it_rises, run_of()))
    assert [row["share"] / row["size"] for row in table.rows] == pytest.approx([4, 12, 40, 100])
    assert ask(topic.why_it_rises, run_of()).answer == pytest.approx(math.sqrt(0.1 / 1.9))


def test_descent_comes_to_rest_where_the_law_says():
    assert lab.stationary(0.1) == pytest.approx(0.01 / (1 - 0.81))
    assert lab.at_rest(lambda step: 0.3, 200, np.random.default_rng(0)) == pytest.approx(0.3 / 1.7, rel=0.1)
    assert ask(topic.why_it_falls, run_of()).answer == lab.stationary(0.1)


def test_what_was_copied_and_said():
    run = run_of()
    run.copied = COPIED
    assert [row["right"] for row in tables(records_of(topic.what_breaks, run))[0].rows] == [17, 95]
    assert ask(topic.what_breaks, run).answer == 1 / 6 and ask(topic.relatives, run).answer == 0.5
    said = [r for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["false", "true with conditions", "too strong"]
    assert "its first rate is 4,000 times as high." in said[0].truth
