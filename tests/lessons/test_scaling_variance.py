"""scaling-variance: every number is measured, every check can fail, and the laws are those of other draws, too."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.scaling_variance.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run
from tests.lessons.steps import all_text, records_of, request_for, sentences, steps_of, tables
from tfx.lab.attention.vectors import Pairs
from tfx.records import Question, Said

TOPIC = "scaling-variance"
KEPT = dict(vars(topic))


def run_of(*pairs: str) -> topic.Run:
    return topic.Run(request_for(TOPIC, "pairs=2000", *pairs))


def spread(run, patch, by):
    run.scores  # noqa: B018 - drawn before q is spoilt
    run.drawn = (by * run.drawn[0], run.drawn[1])


def as_if_unscaled(run, patch, by):
    """Scaled rows that starve as well; not a number where `by` is not one."""

    def wrong(rng, d_k, keys, rows):
        raw, _ = KEPT["attend"](rng, d_k, keys, rows)
        softmax = raw.attend.softmax._replace(y=by / by * raw.weights)
        return [raw, raw._replace(attend=raw.attend._replace(softmax=softmax))]

    patch.setattr(topic, "attend", wrong)


def other_pairs(run, patch, by):
    patch.setattr(topic, "draw_pairs", lambda *a: (lambda q, k, law: Pairs(by * q, k, law))(*KEPT["draw_pairs"](*a)))


class TestScalingVariance(TopicTests):
    lesson, steps = topic, 9
    seeds = range(5)
    changed = ["keys=2", "keys=3", "d_k=2", ["d_k=3", "pairs=100"], ["d_k=1024", "pairs=100"]]
    changed_seeds = range(3)
    refused = ["d_k=1", "d_k=8193", "keys=1", "pairs=99", ["pairs=1000000", "d_k=8192"]]
    run_of = staticmethod(run_of)
    by = 2.0
    spoilt = {
        "one-product": Spoilt("one_product", spread),
        "sum": Spoilt("the_sum", of_run("scores")),
        "scaled": Spoilt("the_division", of_run("root")),
        "starving": Spoilt("the_gradient", as_if_unscaled),
        "laws": Spoilt("the_assumptions", other_pairs),
        "closing": Spoilt("interview", of_run("root")),
    }


@pytest.mark.parametrize("step", ["the_gradient", "on_average"])
def test_the_table_of_the_gradient_is_measured_another_way(step):
    """Scores, weights and slopes written out."""
    run, caches = run_of("keys=5"), []

    def kept(*arguments):
        caches.append(KEPT["attend"](*arguments))
        return caches[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topic, "attend", kept)
        (shown,) = tables(records_of(getattr(topic, step), run))
    for row, pair in zip(shown.rows, caches, strict=True):
        slopes = []
        for cache, scale, size, starved in zip(
            pair, (1, 1 / math.sqrt(row["d_k"])), ("raw", "scaled"), ("starved", "starved_scaled"), strict=True
        ):
            s = (cache.q @ cache.k.swapaxes(1, 2))[:, 0] * scale
            p = np.exp(s - s.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            sizes = np.array([np.linalg.norm(np.diag(y) - np.outer(y, y)) for y in p])
            assert row[size] == pytest.approx(sizes.mean()) and row[starved] == (sizes < 0.01).mean()
            v = cache.v[..., 0]
            ds = p * (v - (p * v).sum(axis=1, keepdims=True))
            slopes.append(np.linalg.norm(scale * (ds[:, None] @ cache.k)[:, 0], axis=1).mean())
        assert [row["raw_dq"], row["scaled_dq"]] == pytest.approx(slopes)
        assert row["dq"] == pytest.approx(slopes[0] / slopes[1])


@pytest.mark.parametrize("keys", [2, 16, 100])
def test_on_average_more_gradient_reaches_the_query_without_the_scale(keys):
    said = next(r for r in records_of(topic.on_average, run_of(f"keys={keys}")) if isinstance(r, Said))
    assert said.truth == (
        "It does in rows that are nearly one-hot. On average over rows the gradient that reaches q is even larger "
        "without the scale at D = 4, 16, 64, 256, 1024."
    )


def test_the_laws_of_the_broken_assumptions_are_the_formulas_of_the_text():
    (shown,) = tables(records_of(topic.the_assumptions, run_of("d_k=64")))
    assert [row["law"] for row in shown.rows] == [64, 64 * (1 + 2 * 0.5**2), 64 * (1 + 0.5**2), 64**2 / 4]


def test_the_text_is_computed():
    run = run_of("d_k=16")
    assert sentences(records_of(topic.the_division, run))[-1] == (
        "Dividing by D overshoots: the scores would have deviation 1/sqrt(D), here 0.250. The wider the head, the "
        "nearer its rows would start to uniform."
    )
    assert all_text(steps_of(TOPIC, "pairs=100")).isascii()


@pytest.mark.parametrize("d_k", [9, 64, 100])
def test_the_predicted_deviation_is_that_of_a_sum_of_signs(d_k):
    """Another draw with mean 0 and variance 1: coordinates of +1 and -1."""
    (asked,) = (r for r in records_of(topic.the_sum, run_of(f"d_k={d_k}")) if isinstance(r, Question))
    signs = np.random.default_rng(0).choice([-1, 1], size=(2, 20000, d_k))
    assert asked.prompt == f"What is the standard deviation of q.k at D = {d_k}?"
    assert asked.answer == pytest.approx(signs.prod(axis=0).sum(axis=1).std(), rel=0.02)
