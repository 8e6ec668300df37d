"""Shares of singular values."""

import numpy as np
import pytest

from tfx.lab.cost.spectrum import energy, heads_of_language_model


def test_shares_are_those_of_a_matrix_with_known_singular_values():
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.standard_normal((5, 5)))[0] for _ in range(2))
    assert energy((u * [3, 2, 1, 0, 0]) @ v) == pytest.approx([9 / 14, 13 / 14, 1, 1, 1])


def test_weights_of_the_model_are_causal_rows_that_sum_to_one():
    weights = heads_of_language_model()
    assert weights.shape[0] == 2 and weights.sum(axis=-1) == pytest.approx(1) and not np.triu(weights, 1).any()
