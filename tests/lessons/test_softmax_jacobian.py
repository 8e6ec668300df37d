"""softmax-jacobian: the matrix, three roads to one gradient, and where it vanishes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.attention.softmax_jacobian.lesson as jacobian
from lessons.grading import is_close
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, tables
from tfx.records import Matrix, Plot, Question, Said

run_of = runs_of(jacobian)


def plus(change):
    """softmax_jacobian with something added; change(n, by) -> (n, n)."""
    return result(jacobian, "softmax_jacobian", lambda matrix, by: matrix + change(len(matrix), by - 1))


def upper_only(n, by):
    """Two entries above the diagonal of one row, so that the row still sums to 0."""
    matrix = np.zeros((n, n))
    matrix[0, -2:] = by, -by
    return matrix


def first_weight(y, by):
    return np.concatenate([by * y[:1], y[1:]])


def without_inner_sum(by):
    return lambda dy, cache: by * dy * cache.y


class TestSoftmaxJacobian(TopicTests):
    lesson, steps = jacobian, 9
    seeds = range(5)
    changed = [
        "scores=20,0,0",  # differences of so flat a row are rounding: that must not look like a wrong gradient
        ["scores=40,0,0", "a=0"],
        ["scores=1e6,-1e6,0", "a=300"],
        "scores=1e6,1e6,1e6",
        "scores=1,2,3,4,5,6,7,8",
        "scores=0,0",
    ]
    changed_seeds = range(3)
    refused = ["scores=1", "scores=1,2,3,4,5,6,7,8,9", "scores=nan,1", "a=-1", "a=301"]
    by = 1.001
    spoilt = {
        "row-sums": Spoilt(
            "the_matrix",
            plus(lambda n, by: by * np.eye(n)),
            raises=np.linalg.LinAlgError,
        ),
        "symmetric": Spoilt("the_matrix", plus(upper_only), nan_also={"row-sums"}),
        "semi-definite": Spoilt(
            "the_matrix",
            result(jacobian, "softmax_jacobian", lambda right, by: -by * right),
            raises=np.linalg.LinAlgError,
        ),
        "same": Spoilt("three_roads", result(jacobian, "softmax_jacobian")),
        "numeric": Spoilt("three_roads", result(jacobian, "complex_step_derivative")),
        "blind": Spoilt("ones_are_blind", instead(jacobian, "softmax_backward", without_inner_sum)),
        "closed-form": Spoilt(
            "saturation", result(jacobian, "measure_row", lambda row, by: row | {"top": by * row["top"]})
        ),
        "flat": Spoilt("gaps_not_size", output(jacobian, "softmax_forward", first_weight)),
        "sqrt2": Spoilt("with_a_loss", result(jacobian, "cross_entropy_gradient")),
        "gradcheck": Spoilt("interview", result(jacobian, "softmax_backward")),
    }


def test_a_wrong_backward_is_caught_by_both_roads(monkeypatch):
    monkeypatch.setattr(jacobian, "softmax_backward", without_inner_sum(1))
    assert failed_in(jacobian.three_roads, run_of()) == {"same", "numeric"}


def test_a_multiple_of_the_right_gradient_passes_the_test_with_ones_and_a_forgotten_inner_sum_does_not(monkeypatch):
    result(jacobian, "softmax_backward")(run_of(), monkeypatch, 7)
    assert not failed_in(jacobian.ones_are_blind, run_of())
    monkeypatch.setattr(jacobian, "softmax_backward", lambda dy, cache: cache.y * (dy - dy.mean()))
    assert not failed_in(jacobian.ones_are_blind, run_of())  # and is no multiple of the right one


def test_the_matrix_is_the_formula_written_out():
    run = run_of("scores=1,0,-2")
    (shown,) = (record for record in records_of(jacobian.the_matrix, run) if isinstance(record, Matrix))
    e = [math.exp(x) for x in (1, 0, -2)]
    y = [x / sum(e) for x in e]
    wanted = [[y[i] * ((i == j) - y[j]) for j in range(3)] for i in range(3)]
    assert shown.values == pytest.approx(np.array(wanted))


def test_an_answer_of_nothing_is_not_close_to_a_small_entry():
    (asked,) = (r for r in records_of(jacobian.one_entry, run_of("scores=5,1,0")) if isinstance(r, Question))
    assert -0.02 < asked.answer < 0
    for wrong in (0, -asked.answer, 0.9 * asked.answer):
        assert not is_close(wrong, asked.answer, asked.tolerance)


def test_the_curve_follows_its_closed_forms():
    (shown,) = tables(records_of(jacobian.saturation, run_of("a=3")))
    assert [row["a"] for row in shown.rows] == [0, 1, 2, 3, 5, 10]
    for row in shown.rows:
        p = 1 / (1 + 2 * math.exp(-row["a"]))
        y = np.array([(1 - p) / 2, (1 - p) / 2, p])
        norm = np.sqrt(((np.diag(y) - np.outer(y, y)) ** 2).sum())
        assert [row["p"], row["slope"], row["norm"]] == pytest.approx([p, p * (1 - p), norm])
    slope = [p * (1 - p) for p in (1 / (1 + 2 * math.exp(-a)) for a in (0.6, math.log(2), 0.8))]
    assert max(slope) == slope[1]


def test_the_derivative_by_hand_is_that_of_the_two_weights_that_are_shown():
    run = run_of()
    (asked,) = (r for r in records_of(jacobian.one_entry, run) if isinstance(r, Question))
    first, second = (math.exp(s) / sum(map(math.exp, run.s)) for s in run.s[:2])
    assert asked.prompt == f"p_1 = {first:.4f} and p_2 = {second:.4f}. What is dp_1/ds_2?"
    assert asked.answer == pytest.approx(-first * second)
    step = 1e-6  # raise score 2 and see how weight 1 moves
    moved = [math.exp(run.s[0]) / sum(math.exp(s + by * (i == 1)) for i, s in enumerate(run.s)) for by in (step, -step)]
    assert asked.answer == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("a", [0.5, 5, 20])
def test_the_predicted_weight_is_that_of_the_three_scores(a):
    (asked,) = (r for r in records_of(jacobian.saturation, run_of(f"a={a}")) if isinstance(r, Question))
    scores = [a, a, 2 * a]
    assert asked.answer == pytest.approx(math.exp(2 * a) / sum(map(math.exp, scores)))
    assert asked.prompt == f"Which weight does the largest of [a, a, 2a] get at a = {a:g}?"


def test_saturation_is_told_in_whole_sentences():
    shown = records_of(jacobian.saturation, run_of())
    assert sentences(shown) == [
        "In [a, a, 2a] only the gap, a >= 0, counts. The largest weight and its slope:",
        f"The slope is not small everywhere: it is largest where p_3 = 1/2, at a = ln 2 = {math.log(2):.3f}, and dies "
        "only after that.",
    ]
    (said,) = (r for r in records_of(jacobian.gaps_not_size, run_of()) if isinstance(r, Said))
    assert said.truth == "Only differences count: five scores of 1e8 give five weights of 0.2."
    (plot,) = (r for r in records_of(jacobian.gaps_not_size, run_of()) if isinstance(r, Plot))
    assert plot.title == (
        f"The top weight reaches {1 / (1 + 2 * math.exp(-5)):.3f} at a = 5, and its slope dies with it"
    )
