"""softmax-attention: the safe form, the right axis, and the rivals with proved gradients."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lessons.steps import all_text, checks, failed, steps_of, tables
from tfx.errors import BadInput
from tfx.gradcheck import check_gradients
from tfx.lab.softmax_limits import moved_by_the_last_query, naive_softmax, over_queries, overflow_limit, zero_gap
from tfx.lab.softmax_rivals import RIVALS, away_from_kinks, nearer_than
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_forward

TOPIC = "softmax-attention"


@pytest.mark.parametrize("seed", range(5))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(TOPIC, seed=seed)
    assert 6 <= len(steps) <= 9 and not failed(steps)


@pytest.mark.parametrize(
    "pairs",
    [
        ["scores=-1,-2,-3"],
        ["scores=3,3,0,0", "shift=-1e6"],
        ["scores=0,0"],
        ["scores=100,-100", "shift=709"],
        ["scores=1,2,3,4,5,6,7,8,9,10,11,12", "shift=0"],
    ],
)
def test_every_check_holds_for_changed_settings(pairs):
    assert not failed(steps_of(TOPIC, *pairs, seed=1))


@pytest.mark.parametrize(
    "pairs", [["scores=1"], ["scores="], ["scores=nan,1"], ["scores=101,0"], ["scores=" + "1," * 13], ["shift=inf"]]
)
def test_settings_out_of_range_are_refused(pairs):
    with pytest.raises(BadInput):
        steps_of(TOPIC, *pairs)


def test_naive_exp_breaks_just_past_the_limit_and_the_stable_form_does_not():
    limit = overflow_limit(np.float64)
    for score, breaks in ((limit - 1, False), (limit + 1, True)):
        row = np.array([score, score])
        assert np.isnan(naive_softmax(row)).any() == breaks
        assert softmax_forward(row)[0] == pytest.approx([0.5, 0.5])


def test_a_weight_becomes_zero_exactly_where_the_lesson_says():
    for dtype in (np.float64, np.float32):
        gap = zero_gap(dtype)
        rows = softmax_forward(np.array([[0, -gap], [0, 1 - gap]], dtype=dtype))[0]
        assert rows[0, 1] == 0 < rows[1, 1]


def test_normalising_over_queries_leaks_and_over_keys_does_not():
    rng = np.random.default_rng(3)
    q, k, v = (rng.standard_normal((6, 4)) for _ in range(3))
    later = q.copy()
    later[-1] += 1
    mask = causal_mask(6)
    assert (attention_forward(later, k, v, mask)[0][:-1] == attention_forward(q, k, v, mask)[0][:-1]).all()
    assert abs(over_queries(later, k, v, mask) - over_queries(q, k, v, mask))[:-1].max() > 1e-3


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.key)
@pytest.mark.parametrize("seed", range(3))
def test_every_rival_has_the_gradient_it_claims(rival, seed):
    x = away_from_kinks(np.random.default_rng(seed))
    assert check_gradients(rival.forward, rival.backward, {"x": x}, seed=seed).worst < 1e-9


def test_no_random_distribution_is_nearer_to_the_scores_than_sparsemax():
    for seed in range(20):
        x = 2 * np.random.default_rng(seed).standard_normal(5)
        assert nearer_than(np.random.default_rng(seed), x, sparsemax_forward(x)[0]) <= 0
        corner = np.eye(5)[x.argmin()]
        assert nearer_than(np.random.default_rng(seed), x, corner) > 0


def test_the_last_query_moves_earlier_outputs_only_over_the_wrong_axis():
    right, wrong = moved_by_the_last_query(np.random.default_rng(0), 6)
    assert (right[:-1] == 0).all() and right[-1] > 0 and wrong[:-1].max() > 1e-3


def test_the_overflow_table_tells_what_went_wrong():
    shown = tables([record for step in steps_of(TOPIC) for record in step.records])
    rows = {row["c"]: row for row in next(table for table in shown if table.title.startswith("Largest weight")).rows}
    assert (rows[1000.0]["double"], rows[-1000.0]["double"], rows[100.0]["single"]) == ("NaN", "NaN", "NaN")
    assert len({row["stable"] for row in rows.values()}) == 1
    assert all_text(steps_of(TOPIC)).isascii()


def test_the_wrong_axis_is_shown_to_be_wrong():
    found = checks(steps_of(TOPIC, seed=4))
    assert found["wrong-axis"].measured > 0.05 and found["leak"].measured > 1e-3


def doubled(x, axis=-1):
    y, cache = softmax_forward(x, axis)
    return 2 * y, cache


BREAKS = {
    "sum": ("lessons.attention.softmax.lesson.softmax_forward", doubled),
    "ratio": ("lessons.attention.softmax.lesson.softmax_forward", lambda x, axis=-1: softmax_forward(2 * x, axis)),
    "naive": ("lessons.attention.softmax.lesson.naive_softmax", lambda x: softmax_forward(x)[0]),
    "kept": ("lessons.attention.softmax.lesson.moved_by_the_last_query", lambda rng, n: (np.ones(n), np.ones(n))),
    "leak": ("lessons.attention.softmax.lesson.moved_by_the_last_query", lambda rng, n: (np.zeros(n), np.zeros(n))),
    "entropy": ("lessons.attention.softmax.lesson.entropy", lambda w: -w.max(axis=-1) if w.ndim > 1 else w.max()),
    "nearest": ("lessons.attention.softmax.lesson.nearer_than", lambda rng, scores, weights: float("nan")),
    "all-four": ("lessons.attention.softmax.lesson.worst_gradient", lambda rng: float("nan")),
}


@pytest.mark.parametrize("check", BREAKS)
def test_a_check_notices_when_what_it_checks_is_broken(check, monkeypatch):
    monkeypatch.setattr(*BREAKS[check])
    assert check in {found.id for found in failed(steps_of(TOPIC))}
