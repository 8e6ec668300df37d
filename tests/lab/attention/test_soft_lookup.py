"""One query against a few keys: the answer slides from the mean of the values to that of the best key."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.lab.attention.soft_lookup import best_match, look_up

KEYS = np.array([[0.9, 0.0], [0.8, 0.9], [0.0, 1.0]])
VALUES = np.array([[24.0, 3.0], [18.0, 4.0], [3.0, 6.0]])


def test_the_lookup_is_the_formula():
    query = np.array([0.3, -0.7])
    answer = look_up(query, KEYS, VALUES, 2.0)
    e = np.exp(2.0 * KEYS @ query)
    assert answer.scores == pytest.approx(2.0 * KEYS @ query)
    assert answer.weights == pytest.approx(e / e.sum()) and answer.value == pytest.approx(e / e.sum() @ VALUES)


def test_sharpness_moves_the_answer_from_the_mean_to_the_best_match():
    query = np.array([1.0, 1.0])
    best, gap = best_match(query, KEYS, VALUES)
    distances = [abs(look_up(query, KEYS, VALUES, s).value - best).max() for s in (0, 1, 2, 4, 8, 40 / gap)]
    assert best.tolist() == [18.0, 4.0] and gap == pytest.approx(0.7)
    assert look_up(query, KEYS, VALUES, 0).value == pytest.approx(VALUES.mean(axis=0), abs=1e-12)
    assert distances == sorted(distances, reverse=True) and distances[-1] < 1e-12


@pytest.mark.parametrize(("gap", "keys"), [(0.0, 4), (2.0, 10), (7.0, 64)])
def test_a_leading_key_has_the_weight_of_the_closed_form(gap, keys):
    scores = np.array([[gap], *[[0.0]] * (keys - 1)])
    weights = look_up(np.ones(1), scores, scores, 1.0).weights
    assert weights[0] == pytest.approx(1 / (1 + (keys - 1) * math.exp(-gap)), rel=1e-14)


def test_keys_that_tie_share_the_answer():
    best, gap = best_match(np.zeros(2), KEYS, VALUES)
    assert math.isinf(gap) and best == pytest.approx(VALUES.mean(axis=0))
    keys = np.array([[1.0], [0.0], [1.0]])
    best, gap = best_match(np.ones(1), keys, VALUES)
    assert gap == 1.0 and best == pytest.approx(VALUES[[0, 2]].mean(axis=0))


def test_a_query_of_another_width_is_refused():
    with pytest.raises(ValueError, match="3"):
        look_up(np.ones(3), KEYS, VALUES, 1.0)
