"""Two kinds of random features estimate the same number; the library's are the positive ones."""

import numpy as np
import pytest

from tfx.efficient.performer import performer_forward, random_features
from tfx.lab.cost.random_features import positive_features, trigonometric_features


@pytest.mark.parametrize("features", [positive_features, trigonometric_features])
def test_their_mean_is_the_exponential(features):
    x, y = 0.3 * np.random.default_rng(0).standard_normal((2, 3, 4))
    w = np.random.default_rng(1).standard_normal((200_000, 4))
    assert features(x, w) @ features(y, w).T == pytest.approx(np.exp(x @ y.T), rel=0.02)


def test_attention_with_the_positive_ones_is_that_of_the_library():
    q, k, v = np.random.default_rng(2).standard_normal((3, 7, 5))
    w = random_features(9, 5)
    weights = positive_features(q / 5**0.25, w) @ positive_features(k / 5**0.25, w).T
    assert performer_forward(q, k, v, w)[0] == pytest.approx(weights @ v / weights.sum(axis=1, keepdims=True))
