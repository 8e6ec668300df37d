"""Differences between two ways, seed by seed."""

import math

import numpy as np
import pytest

from tfx.measure.paired import paired_difference


def test_what_differs_between_seeds_alone_cancels():
    seeds = [0.1, 0.9, 0.4, 0.6]
    found = paired_difference([x + d for x, d in zip(seeds, (0.01, 0.03, 0.02, 0.02), strict=True)], seeds)
    half = 3.1824 * np.std([0.01, 0.03, 0.02, 0.02], ddof=1) / 2  # Student's t at 97.5%, 3 degrees of freedom
    assert (found.mean, found.low, found.high) == pytest.approx((0.02, 0.02 - half, 0.02 + half), rel=1e-4)
    assert found.told_apart and found.n == 4 and str(found) == "+0.020 (+0.007 .. +0.033, 4 seeds)"


def test_an_interval_holds_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).standard_normal((2000, 2, 5)) + np.array([[0.3], [0.0]])
    holds = [found.low <= 0.3 <= found.high for found in (paired_difference(a, b, 0.9) for a, b in draws)]
    assert np.mean(holds) == pytest.approx(0.9, abs=0.025)


def test_nan_is_told_apart_from_nothing():
    found = paired_difference([1.0, math.nan], [0.0, 0.0])
    assert math.isnan(found.mean) and not found.told_apart


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0]), ([1.0, 2.0], [1.0])])
def test_pairs_are_asked_for(a, b):
    with pytest.raises(ValueError, match="pairs are compared"):
        paired_difference(a, b)
