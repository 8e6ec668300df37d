"""softmax-attention: the safe form, the right axis, and the rivals with proved gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.softmax.lesson as lesson
from lessons.attention.softmax.lesson import Run
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result
from tests.lessons.steps import all_text, checks, records_of, request_for, sentences, steps_of, tables
from tfx.bench.ladders import ladder
from tfx.gradcheck import check_gradients
from tfx.gradcheck.mistakes.ops.basics.softmax import maximum_not_subtracted
from tfx.lab.attention.softmax_limits import moved_by_the_last_query, over_queries, overflow_limit, zero_gap
from tfx.lab.attention.softmax_rivals import RIVALS, away_from_kinks, nearer_than
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_forward
from tfx.records import Check, Matrix, Plot, Question, Said

TOPIC = "softmax-attention"


def test_the_first_row_is_the_formula_written_out():
    run = Run(request_for(TOPIC, "scores=1.5,-0.5,0"))
    records = records_of(lesson.one_row, run)
    (shown,) = tables(records)
    e = [math.exp(score) for score in (1.5, -0.5, 0)]
    assert [(row["key"], row["e"]) for row in shown.rows] == [("k1", e[0]), ("k2", e[1]), ("k3", e[2])]
    assert [row["weight"] for row in shown.rows] == pytest.approx([part / sum(e) for part in e])
    assert shown.title == f"One query's row. By hand: k1 gets {e[0]:.4g} / {sum(e):.4g} = {e[0] / sum(e):.4g}"
    assert sentences(records)[-1] == "One more unit of score for k1 multiplies p_1 / p_2 by e = 2.718."


def test_every_prediction_has_a_second_opinion():
    def asked(step):
        (question,) = (r for r in records_of(step, Run(request_for(TOPIC, "scores=2.5,1"))) if isinstance(r, Question))
        return question

    ratio, total = asked(lesson.one_row), asked(lesson.the_axis)
    assert ratio.prompt == "By what factor does k1 (score 2.5) outweigh k2 (score 1)?"
    assert ratio.answer == pytest.approx(math.e**1.5)
    assert total.prompt == "3 queries, 4 keys, softmax over the keys: the sum of all 12 weights?"
    assert total.answer == pytest.approx(3)


def test_the_sums_of_both_axes_are_told_as_the_matrix_shows_them():
    records = records_of(lesson.the_axis, Run(request_for(TOPIC)))
    (both,) = (record for record in records if isinstance(record, Matrix))
    right, wrong = both.values[:3, :4], both.values[3:, :4]
    assert both.rows == ("right q1", "right q2", "right q3", "wrong q1", "wrong q2", "wrong q3")
    assert right.sum(axis=1) == pytest.approx([1] * 3) and wrong.sum(axis=0) == pytest.approx([1] * 4)
    rows, columns = sorted(wrong.sum(axis=1)), sorted(right.sum(axis=0))
    assert sentences(records)[-1] == (
        f"Over the wrong axis rows sum to {rows[0]:.2f} .. {rows[-1]:.2f}: no averages, and no error. Over the right "
        f"one columns sum to {columns[0]:.2f} .. {columns[-1]:.2f}: some keys are read more."
    )


def test_how_even_random_rows_are():
    records = records_of(lesson.a_distribution, Run(request_for(TOPIC)))
    (even,) = (record for record in records if isinstance(record, Check))
    e = np.exp(np.random.default_rng(1).standard_normal((20_000, 64)))
    p = e / e.sum(axis=1, keepdims=True)
    share = float(even.measured)
    assert share == pytest.approx(-(p * np.log(p)).sum(axis=1).mean() / math.log(64), abs=0.005)
    assert sentences(records)[0] == (
        "How sharp are rows of random scores? With 64 independent normal scores of variance 1, 500 rows have the "
        f"average entropy {share:.2f}: nearly even. A later topic, on scaling, is about what keeps the variance at 1."
    )


def test_the_table_of_sharpness_and_what_is_said_of_it():
    run = Run(request_for(TOPIC))
    (shown,) = tables(records_of(lesson.the_sharpness, run))
    for row in shown.rows:
        e = np.exp(row["s"] * (run.scores - 2.0))
        p = e / e.sum()
        assert [row["top"], row["low"]] == pytest.approx([p.max(), p.min()])
        assert row["entropy"] == pytest.approx(-(p * np.log(p)).sum() / math.log(4), abs=1e-9)
    (said,) = (r for r in records_of(lesson.a_distribution, run) if isinstance(r, Said))
    tops = [np.exp(f * 2.0) / np.exp(f * run.scores).sum() for f in (0.125, 1.0, 32.0)]
    assert said.truth == (
        "Each row is a distribution, yet it is not calibrated: multiply the scores by a factor (0.125, 1, 32) and the "
        f"ranking stays, but the top weight is {tops[0]:.2f}, {tops[1]:.2f}, {tops[2]:.2f}. No target says which is "
        "right. With dropout (some weights set to 0 at random, in training) they do not even sum to 1."
    )


def test_the_curves_of_the_weights_and_where_exp_underflows():
    run = Run(request_for(TOPIC, "scores=2,1,0"))
    records = records_of(lesson.never_zero, run)
    (picture,) = (record for record in records if isinstance(record, Plot))
    top, least = picture.series
    for f, high, low in zip(top.x, top.y, least.y, strict=True):
        total = math.exp(2 * f) + math.exp(f) + 1
        assert (high, low) == (pytest.approx(math.exp(2 * f) / total), pytest.approx(1 / total))
    assert sentences(records) == [
        "exp is above 0 everywhere, until it underflows: 746 below the best score in float64, 104 in float32."
    ]
    assert math.exp(-745) > 0 == math.exp(-746) and np.exp(np.float32(-103)) > 0 == np.exp(np.float32(-104))


def test_what_attention_explains_later_is_marked_as_later():
    """Masks, gradients and the other rules come last, and every step about them says so in its title."""
    steps = steps_of(TOPIC)
    later = [step.name for step in steps if step.title.startswith("For later: ")]
    assert (
        later == [step.name for step in steps][7:11] == ["the_leak", "other_weights", "other_gradients", "the_ladder"]
    )
    early = all_text(steps[:7]).lower()
    assert [word for word in ("mask", "sparsemax", "causal", "jacobian", "gradient") if word in early] == []


def test_every_rung_of_the_ladder_is_named_and_checked():
    steps = {step.name: step for step in steps_of(TOPIC)}
    (shown,) = tables(steps["the_ladder"].records)
    assert [row["rung"] for row in shown.rows] == [rung.name for rung in ladder("softmax").rungs]
    assert len(steps["the_ladder"].checks) == len(shown.rows) - 1


def test_naive_exp_breaks_just_past_the_limit_and_the_stable_form_does_not():
    limit = overflow_limit(np.float64)
    for score, breaks in ((limit - 1, False), (limit + 1, True)):
        row = np.array([score, score])
        assert np.isnan(maximum_not_subtracted(row)).any() == breaks
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


def weights(by, only=lambda x, axis: True):
    """softmax_forward with weights that are `by` times too large where `only` says so."""

    def wrong(x, axis=-1):
        y, cache = softmax_forward(x, axis)
        return (by * y if only(x, axis) else y), cache

    return wrong


def scores(by, only=lambda x: True):
    """softmax_forward of scores that are `by` times too large where `only` says so."""
    return lambda x, axis=-1: softmax_forward(by * x if only(x) else x, axis)


def rivals(by, key, which):
    """The rivals, one of which has weights or gradients that are `by` times too large."""

    def forward(rival):
        return lambda x: (by * rival.forward(x)[0], rival.forward(x)[1])

    def backward(rival):  # a multiple of the whole gradient would still sum to 0
        return lambda dy, cache: rival.backward(dy, cache) + (by - 1) * dy

    wrong = {"forward": forward, "backward": backward}[which]
    return tuple(rival._replace(**{which: wrong(rival)}) if rival.key == key else rival for rival in RIVALS)


def level(x, axis=-1):
    return np.ptp(x) == 0


def moved(right, wrong):
    return lambda rng, n: (np.full(n, right), np.full(n, wrong))


class TestSoftmax(TopicTests):
    lesson, steps = lesson, 12
    seeds = range(5)
    changed = [
        "scores=-1,-2,-3",
        ["scores=3,3,0,0", "shift=-1e6"],
        "scores=0,0",
        ["scores=100,-100", "shift=709"],
        ["scores=1,2,3,4,5,6,7,8,9,10,11,12", "shift=0"],
    ]
    refused = ["scores=1", "scores=", "scores=nan,1", "scores=101,0", "scores=" + "1," * 13, "shift=inf"]
    elsewhere = tuple(
        "same-" + rung.name.replace(" ", "-") for rung in ladder("softmax").rungs[1:]
    )  # tests/bench/test_ladder.py
    by = 1.001
    spoilt = {
        "sum": Spoilt("one_row", instead(lesson, "softmax_forward", weights), nan_also={"ratio"}),
        "ratio": Spoilt("one_row", instead(lesson, "softmax_forward", scores), nan_also={"sum"}),
        "shift": Spoilt(
            "the_shift",
            instead(lesson, "softmax_forward", lambda by: scores(by, lambda x: x.max() > 500)),
            nan_also={"level"},
        ),
        "level": Spoilt("the_shift", instead(lesson, "softmax_forward", lambda by: weights(by, level))),
        "naive": Spoilt(
            "the_overflow",
            instead(lesson, "naive_softmax", lambda by: lambda x: softmax_forward(x)[0]),
            no_nan="what is not a number is counted",
        ),
        "stable": Spoilt(
            "the_overflow", instead(lesson, "softmax_forward", lambda by: scores(by, lambda x: x.max() > 500))
        ),
        "entropy": Spoilt("the_sharpness", instead(lesson, "entropy_share", lambda by: lambda w: by * w.max(axis=-1))),
        "even": Spoilt(
            "a_distribution", instead(lesson, "entropy_share", lambda by: lambda w: by * np.full(len(w), 0.7))
        ),
        "rows": Spoilt(
            "the_axis", instead(lesson, "softmax_forward", lambda by: weights(by, lambda x, axis: x.ndim == 4))
        ),
        "wrong-axis": Spoilt(
            "the_axis",
            instead(lesson, "softmax_forward", lambda by: lambda x, axis=-1: weights(by / by)(x, -1)),
            nan_also={"rows"},
        ),
        "kept": Spoilt("the_leak", instead(lesson, "moved_by_the_last_query", lambda by: moved(by - 1, 1.0))),
        "leak": Spoilt("the_leak", instead(lesson, "moved_by_the_last_query", lambda by: moved(0.0, 0.0 * by))),
        "sums": Spoilt("other_weights", instead(lesson, "RIVALS", lambda by: rivals(by, "softmax", "forward"))),
        "nearest": Spoilt("other_weights", instead(lesson, "nearer_than", lambda by: lambda *args: by - 1)),
        "zero-sum": Spoilt("other_gradients", instead(lesson, "RIVALS", lambda by: rivals(by, "softmax", "backward"))),
        "all-four": Spoilt("other_gradients", instead(lesson, "worst_gradient", lambda by: lambda rng: by - 1)),
        "gradcheck": Spoilt("interview", result(lesson, "softmax_backward")),
    }


@pytest.mark.parametrize("shift", ["708", "709"])
def test_a_row_with_one_nan_is_told_as_nan_and_not_by_the_sum_of_the_others(shift):
    """exp overflows for the largest score alone: inf / inf is NaN, finite / inf is 0."""
    (shown,) = tables(records_of(lesson.the_overflow, Run(request_for(TOPIC, f"shift={shift}"))))
    assert {row["c"]: row["double"] for row in shown.rows}[float(shift)] == "NaN"


def test_a_sum_that_overflows_leaves_weights_that_sum_to_nothing():
    (shown,) = tables(records_of(lesson.the_overflow, Run(request_for(TOPIC, "scores=0,0", "shift=709.7"))))
    assert {row["c"]: row["double"] for row in shown.rows}[709.7] == "sums to 0"


def test_no_key_is_said_to_be_without_weight_where_all_have_some():
    said = sentences(records_of(lesson.other_gradients, Run(request_for(TOPIC, "scores=0,0,0"))))[0]
    assert "(0 of 3 here)" in said
    said = sentences(records_of(lesson.other_gradients, Run(request_for(TOPIC, "scores=9,0,0"))))[0]
    assert "(2 of 3 here)" in said
