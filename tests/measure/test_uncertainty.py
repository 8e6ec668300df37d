"""Uncertainty: what is noise, and what disagreement."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.measure.out_of_distribution import DistanceScore, confidence_score, energy_score
from tfx.measure.ranking import auroc
from tfx.measure.uncertainty import entropy, split_uncertainty


def test_models_that_agree_on_a_coin_know_that_it_is_a_coin():
    total, aleatoric, epistemic = split_uncertainty(np.full((5, 1, 2), 0.5))
    assert total[0] == pytest.approx(math.log(2)) and aleatoric[0] == total[0] and epistemic[0] == 0


def test_models_that_are_sure_of_different_things_do_not_know():
    total, aleatoric, epistemic = split_uncertainty(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]))
    assert total[0] == pytest.approx(math.log(2)) and aleatoric[0] == 0 and epistemic[0] == total[0]


def test_disagreement_is_never_negative():
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=(6, 50))
    assert (split_uncertainty(p).epistemic > 0).all()
    np.testing.assert_allclose(entropy(np.full(4, 0.25)), math.log(4))


def test_adding_to_all_logits_changes_the_energy_and_not_the_confidence():
    x = np.random.default_rng(1).standard_normal((3, 5))
    np.testing.assert_allclose(confidence_score(x + 7), confidence_score(x))
    np.testing.assert_allclose(energy_score(x + 7), energy_score(x) + 7)
    np.testing.assert_allclose(energy_score(x), np.log(np.exp(x).sum(axis=1)))
    np.testing.assert_allclose(energy_score(x, 1e-4), x.max(axis=1), atol=1e-3)


def test_auroc_counts_the_pairs_in_the_right_order():
    rng = np.random.default_rng(2)
    scores, positive = rng.integers(6, size=40), rng.random(40) < 0.4
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[positive] for n in scores[~positive]]
    assert auroc(scores, positive) == pytest.approx(np.mean(pairs))
    assert auroc(np.arange(4), np.array([False, False, True, True])) == 1
    with pytest.raises(ValueError, match="some of both"):
        auroc(scores, np.ones(40, dtype=bool))


def test_distance_is_counted_in_the_spread_of_the_nearest_class():
    rng = np.random.default_rng(3)
    labels = rng.integers(2, size=4000)
    spread = np.array([1.0, 5.0])
    hidden = rng.standard_normal((4000, 2)) * spread + 100 * labels[:, None]
    fitted = DistanceScore(hidden, labels, ridge=0)
    np.testing.assert_allclose(fitted.score(np.array([[0, 0], [100, 100.0]])), 0, atol=0.02)
    np.testing.assert_allclose(fitted.score(np.array([[3, 0], [100, 115.0]])), -9, rtol=0.1)
    with pytest.raises(ValueError, match="do not fit"):
        DistanceScore(hidden, labels[1:])
