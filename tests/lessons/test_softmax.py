"""softmax-attention: the safe form, the right axis, and the rivals with proved gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.attention.softmax.axes import over_queries
from lessons.attention.softmax.compared import RIVALS, away_from_kinks
from lessons.attention.softmax.overflow import overflow_limit
from lessons.attention.softmax.walkthrough import Settings, values, walkthrough, zero_gap
from lessons.course import Request
from tests.lessons.steps import all_text, checks, failed, steps_of
from tfx.errors import BadInput
from tfx.gradcheck import check_gradients
from tfx.gradcheck.mistakes.ops.basics.softmax import naive_softmax
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.normalised_relu import normalised_relu_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.basics.sparsemax import sparsemax_forward
from tfx.settings import apply_settings


@pytest.mark.parametrize("seed", range(5))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(walkthrough, Request(None, seed, Settings()))
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
    settings = apply_settings(Settings(), pairs, "tfx explain softmax-attention")
    assert not failed(steps_of(walkthrough, Request(None, 1, settings)))


@pytest.mark.parametrize(
    "pairs", [["scores=1"], ["scores="], ["scores=nan,1"], ["scores=101,0"], ["scores=" + "1," * 13], ["shift=inf"]]
)
def test_settings_out_of_range_are_refused(pairs):
    settings = apply_settings(Settings(), pairs, "tfx explain softmax-attention")
    with pytest.raises(BadInput):
        next(walkthrough(Request(None, 0, settings)))


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


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = 2 * rng.standard_normal(5)
        y, _ = sparsemax_forward(x)
        assert y.min() >= 0 and y.sum() == pytest.approx(1)
        for _ in range(50):  # for a convex set: every direction into it points away from x
            assert (x - y) @ (rng.dirichlet(np.ones(5)) - y) <= 1e-12


def test_sparsemax_moves_with_nothing_when_the_row_is_shifted_and_normalised_relu_does():
    x = np.array([0.3, 0.2, -0.4])
    assert sparsemax_forward(x + 5)[0] == pytest.approx(sparsemax_forward(x)[0], abs=1e-12)
    assert abs(normalised_relu_forward(x + 5)[0] - normalised_relu_forward(x)[0]).max() > 0.1


def test_normalised_relu_of_a_row_without_positive_scores_is_empty():
    y, cache = normalised_relu_forward(np.array([-1.0, -2.0]))
    assert (y == 0).all() and (RIVALS[2].backward(np.ones(2), cache) == 0).all()


def test_the_overflow_table_tells_what_went_wrong():
    text = all_text(steps_of(walkthrough, Request(None, 0, Settings())))
    assert "NaN" in text and text.isascii()


def test_the_wrong_axis_is_shown_to_be_wrong():
    found = checks(steps_of(walkthrough, Request(None, 4, Settings())))
    assert found["wrong-axis"].measured > 0.05 and found["leak"].measured > 1e-3


def test_numbers_of_the_lesson_are_finite_and_as_told():
    numbers = values()
    assert all(math.isfinite(x) for x in numbers.values())
    assert numbers["entropy_share"] > 0.8  # "close to uniform"
