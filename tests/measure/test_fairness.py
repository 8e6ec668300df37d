"""Fairness and bias: measures by hand, what cannot hold at once, and weights that help."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.measure.bias import association, association_effect, bias_amplification
from tfx.measure.fairness import (
    demographic_parity_difference,
    equal_opportunity_difference,
    equalised_odds_difference,
    rates,
    reweighing,
)
from tfx.measure.overlap import intersection_over_union

GROUP = np.array([0, 0, 0, 0, 1, 1, 1, 1])
LABEL = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)


def test_rates_by_hand():
    yes = np.array([1, 1, 0, 0, 1, 0, 0, 1], dtype=bool)
    assert rates(yes, GROUP) == {0: 0.5, 1: 0.5}
    assert demographic_parity_difference(yes, GROUP) == 0
    assert equal_opportunity_difference(yes, GROUP, LABEL) == pytest.approx(1 / 3)
    assert equalised_odds_difference(yes, GROUP, LABEL) == pytest.approx(1 / 3)


def test_a_perfect_classifier_has_equal_odds_but_no_parity_when_the_groups_differ():
    assert equalised_odds_difference(LABEL, GROUP, LABEL) == 0
    assert demographic_parity_difference(LABEL, GROUP) == 0.5


def test_reweighing_makes_group_and_label_independent():
    w = reweighing(GROUP, LABEL)
    assert w.mean() == pytest.approx(1)
    shares = [w[(g == GROUP) & LABEL].sum() / w[g == GROUP].sum() for g in (0, 1)]
    np.testing.assert_allclose(shares, LABEL.mean())


def weighted_regression(x: np.ndarray, label: np.ndarray, w: np.ndarray) -> np.ndarray:
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    return x @ np.linalg.solve(x.T @ (w[:, None] * x), x.T @ (w * (2.0 * label - 1))) > 0


def test_a_classifier_trained_with_the_weights_is_closer_to_parity():
    """Merit decides the label, but one group was given it more often."""
    rng = np.random.default_rng(0)
    group, merit = rng.integers(2, size=4000), rng.standard_normal(4000)
    label = merit + 1.0 * group + 0.3 * rng.standard_normal(4000) > 0.5
    x = np.stack([merit, group], axis=1)
    plain = demographic_parity_difference(weighted_regression(x, label, np.ones(4000)), group)
    fair = demographic_parity_difference(weighted_regression(x, label, reweighing(group, label)), group)
    assert 0 < fair < plain - 0.1


def test_association_of_skewed_embeddings_is_seen_and_of_random_ones_is_not():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 8, 40))
    x, y = rng.standard_normal((2, 8, 40))
    assert abs(association_effect(x, y, a, b)) < 1
    assert association_effect(x + 3 * a.mean(axis=0), y + 3 * b.mean(axis=0), a, b) > 1.5
    np.testing.assert_allclose(association(a[:1], a[:1], -a[:1]), [2.0])


def test_a_model_that_exaggerates_its_data_amplifies_their_bias():
    """Of label 1, three in four belong to the group; the model gives label 1 to all of the group and to nobody else."""
    group = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    label = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    assert bias_amplification(label, label, group) == {0: 0.0, 1: 0.0}
    assert bias_amplification(group.astype(int), label, group) == {0: -0.25, 1: 0.25}


def test_overlap_of_boxes_by_hand():
    box = np.array([0.0, 0.0, 2.0, 2.0])
    others = np.array([[0, 0, 2, 2], [1, 1, 2, 2], [2, 0, 1, 1], [0, 0, 1, 2], [5, 5, 0, 0]], dtype=float)
    np.testing.assert_allclose(intersection_over_union(box, others), [1, 1 / 7, 0, 0.5, 0])
    assert intersection_over_union(np.zeros(4), np.zeros(4)) == 0


@pytest.mark.parametrize("place", range(2))
def test_a_score_that_is_not_a_number_is_not_fair(place):
    """Python's max and min would drop it in the second place."""
    yes, two = np.ones(2), np.arange(2)
    yes[place] = np.nan
    assert np.isnan(demographic_parity_difference(yes, two))
    deserved = np.array([False, False, True, True])
    for both in (np.append(yes, [1, 1]), np.append([1, 1], yes)):
        assert np.isnan(equalised_odds_difference(both, np.tile(two, 2), deserved))
