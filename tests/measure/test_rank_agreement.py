import math

import numpy as np
import pytest

from tfx.measure.rank_agreement import kendall_tau


def test_the_same_order_is_one_and_the_opposite_minus_one():
    a = np.array([3.0, 1.0, 2.0, 7.0])
    assert kendall_tau(a, a**3) == 1 and kendall_tau(a, -a) == -1


def test_by_hand_with_a_tie():
    """Of three pairs one agrees, one is opposite, one ties; then two agree and one is opposite."""
    assert kendall_tau(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 1.0])) == 0
    assert kendall_tau(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])) == pytest.approx(1 / 3)


def test_no_relation_is_near_zero_and_nan_is_seen():
    rng = np.random.default_rng(0)
    assert abs(np.mean([kendall_tau(*rng.standard_normal((2, 10))) for _ in range(500)])) < 0.05
    assert math.isnan(kendall_tau(np.array([1.0, math.nan]), np.array([1.0, 2.0])))


def test_what_has_no_order_is_refused():
    with pytest.raises(ValueError, match=r"not \(1,\) and \(1,\)"):
        kendall_tau(np.ones(1), np.ones(1))
