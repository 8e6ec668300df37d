"""Group normalisation: between LayerNorm and InstanceNorm, and no example sees another."""

import math

import numpy as np
import pytest

from tfx.ops.norms.group_norm import group_norm_backward, group_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.standard_normal((2, 6, 4, 3)), RNG.standard_normal(6), RNG.standard_normal(6)


def test_it_is_its_formula():
    y, _ = group_norm_forward(X, 2, GAMMA, BETA, eps=0.1)
    for b in range(2):
        for group in (range(3), range(3, 6)):
            values = [X[b, c, i, j] for c in group for i in range(4) for j in range(3)]
            mean = math.fsum(values) / 36
            std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / 36 + 0.1)
            for c in group:
                np.testing.assert_allclose(y[b, c], (X[b, c] - mean) / std * GAMMA[c] + BETA[c], rtol=1e-12)


def test_one_group_of_vectors_is_layer_norm_both_ways():
    x, dy = RNG.standard_normal((5, 6)), RNG.standard_normal((5, 6))
    y, cache = group_norm_forward(x, 1, GAMMA, BETA)
    want, want_cache = layer_norm_forward(x, GAMMA, BETA)
    np.testing.assert_allclose(y, want, rtol=1e-14)
    for a, b in zip(group_norm_backward(dy, cache), layer_norm_backward(dy, want_cache), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_as_many_groups_as_channels_normalise_each_channel_alone():
    y, _ = group_norm_forward(X, 6, eps=0.0)
    np.testing.assert_allclose(y.mean(axis=(2, 3)), 0, atol=1e-15)
    np.testing.assert_allclose(y.var(axis=(2, 3)), 1, rtol=1e-13)


def test_examples_do_not_see_each_other():
    y, _ = group_norm_forward(X, 2, GAMMA, BETA)
    np.testing.assert_array_equal(group_norm_forward(X[1:], 2, GAMMA, BETA)[0], y[1:])


@pytest.mark.parametrize("shape", [(0, 6), (0, 6, 4), (2, 6)])
def test_empty_batches_and_bare_vectors_work_both_ways(shape):
    y, cache = group_norm_forward(np.ones(shape), 3, GAMMA, BETA)
    assert [grad.shape for grad in group_norm_backward(y, cache)] == [shape, (6,), (6,)]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: group_norm_forward(X, 4), "cannot be cut into 4 equal groups"),
        (lambda: group_norm_forward(X, 0), "cannot be cut into 0 equal groups"),
        (lambda: group_norm_forward(np.ones(6), 2), r"x is \(6,\)"),
        (lambda: group_norm_forward(X, 2, np.ones(3)), r"6 channels but gamma is \(3,\)"),
        (lambda: group_norm_forward(X, 2, GAMMA, np.ones(4)), r"6 channels but beta is \(4,\)"),
    ],
)
def test_what_does_not_fit_is_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()
