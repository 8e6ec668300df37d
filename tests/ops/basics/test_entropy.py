"""Entropy: none when all is certain, the logarithm of the number when all is open."""

import math

import numpy as np
import pytest

from tfx.ops.basics.entropy import entropy


def test_certain_and_uniform():
    assert entropy(np.array([0.0, 1.0, 0.0])) == 0
    np.testing.assert_allclose(entropy(np.full((2, 7), 1 / 7)), math.log(7))


def test_two_independent_draws_have_the_sum():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(3))
    np.testing.assert_allclose(entropy(np.outer(p, q).ravel()), entropy(p) + entropy(q))


def test_any_axis():
    p = np.random.default_rng(1).dirichlet(np.ones(4), size=5)
    np.testing.assert_array_equal(entropy(p.T, axis=0), entropy(p))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_that_goes_in_comes_out(dtype):
    assert entropy(np.full(4, 0.25, dtype=dtype)).dtype == dtype
