"""Another row of weights with the same output: there when keys outnumber what the output fixes, and only then."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.attention.other_weights import other_weights
from tfx.ops.basics.softmax import softmax_forward


@pytest.mark.parametrize("seed", range(20))
def test_other_weights_are_weights_and_give_the_same_output(seed):
    rng = np.random.default_rng(seed)
    values, weights = rng.standard_normal((12, 3)), softmax_forward(2 * rng.standard_normal(12))[0]
    kept = weights.copy()
    other = other_weights(weights, values)
    assert (weights == kept).all()
    assert (other >= 0).all() and other.sum() == pytest.approx(1, abs=1e-12)
    assert other @ values == pytest.approx(weights @ values, abs=1e-12)
    assert other[weights.argmax()] < weights.max() - 0.05
    assert (other > 0).sum() <= 3 + 1 or other[weights.argmax()] == 0  # a corner, or the top weight is gone


@pytest.mark.parametrize("keys", [1, 2, 3])
def test_with_few_keys_the_weights_are_the_only_ones(keys):
    rng = np.random.default_rng(keys)
    weights = softmax_forward(rng.standard_normal(keys))[0]
    assert other_weights(weights, rng.standard_normal((keys, 2))) == pytest.approx(weights, abs=1e-12)


def test_keys_with_equal_values_can_stand_in_for_each_other():
    other = other_weights(np.array([0.7, 0.2, 0.1]), np.array([[1.0], [1.0], [5.0]]))
    assert other == pytest.approx([0.0, 0.9, 0.1])
