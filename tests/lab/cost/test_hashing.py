"""Hashing: what is found and what is compared, by going through all pairs."""

import numpy as np
import pytest

from tfx.lab.cost.hashing import compared, found_by_round, nearest, twins


def test_found_and_compared_are_counted_pair_by_pair():
    rng = np.random.default_rng(0)
    x, buckets = rng.standard_normal((9, 3)), rng.integers(0, 3, (4, 9))
    best = [max((j for j in range(9) if j != i), key=lambda j: x[i] @ x[j] / np.linalg.norm(x[j])) for i in range(9)]
    assert list(nearest(x)) == best
    for r in range(4):
        met = [any(buckets[s, i] == buckets[s, best[i]] for s in range(r + 1)) for i in range(9)]
        pairs = [any(buckets[s, i] == buckets[s, j] for s in range(r + 1)) for i in range(9) for j in range(i)]
        assert found_by_round(x, buckets)[r] == pytest.approx(np.mean(met))
        assert compared(buckets)[r] == pytest.approx(np.mean(pairs))


def test_twins_are_near_each_other():
    x = twins(40, 16, 0.1, np.random.default_rng(1))
    assert x.shape == (40, 16) and list(nearest(x)) == [*range(20, 40), *range(20)]
