"""Spatial reduction: fewer keys, the same queries; without reduction plain attention."""

import numpy as np
import pytest

from tfx.nn.attention import MultiHeadAttention
from tfx.nn.spatial_reduction import PyramidSettings, PyramidStack, SpatialReductionAttention
from tfx.ops.grids.convolution import convolution_forward

C, H = 6, 3
X = np.random.default_rng(0).standard_normal((2, 4, 6, C))


def rng():
    return np.random.default_rng(1)


def layer(reduction):
    return SpatialReductionAttention(C, H, reduction, rng(), "float64")


def test_a_reduction_of_one_is_plain_self_attention_both_ways():
    reduced, plain = layer(1), MultiHeadAttention(C, H, rng(), dtype="float64")
    plain.load_state(reduced.attention.state())
    (y, cache), (want, plain_cache) = reduced.forward(X), plain.forward(X.reshape(2, 24, C))
    np.testing.assert_allclose(y.reshape(2, 24, C), want, rtol=0, atol=1e-12)
    dx = reduced.backward(X, cache)
    np.testing.assert_allclose(dx.reshape(2, 24, C), plain.backward(X.reshape(2, 24, C), plain_cache).dx, atol=1e-12)
    for name, parameter in plain.parameters().items():
        np.testing.assert_allclose(reduced.attention.parameters()[name].grad, parameter.grad, atol=1e-12)


def test_the_reduction_is_a_strided_convolution():
    one = layer(2)
    places, _ = one.reduction.forward(X)
    w, b = one.reduction.linear.w.value, one.reduction.linear.b.value  # rows: pixel row, pixel column, channel
    kernel = w.reshape(2, 2, C, C).transpose(3, 2, 0, 1)
    y, _ = convolution_forward(X.transpose(0, 3, 1, 2), kernel, b, stride=2)
    np.testing.assert_allclose(places, y.transpose(0, 2, 3, 1).reshape(2, 6, C), atol=1e-13)


@pytest.mark.parametrize("reduction", [1, 2])
def test_the_scores_shrink_with_the_square_of_the_reduction(reduction):
    _, cache = layer(reduction).forward(X)
    assert cache.attention.weights.shape == (2, H, 24, 24 // reduction**2)


def test_in_a_pyramid_the_resolution_falls_and_the_width_grows():
    stack = PyramidStack(PyramidSettings((4, 6, 8), (1, 3, 2), (4, 2, 1), (1, 2, 1)), (16, 8), rng())
    y, cache = stack.forward(np.ones((2, 16, 8, 4), "float32"))
    assert y.shape == (2, 4, 2, 8)
    assert [len(stage) for stage in cache.blocks] == [1, 2, 1]
    assert [stage[0].attention.shape for stage in cache.blocks] == [(2, 16, 8, 4), (2, 8, 4, 6), (2, 4, 2, 8)]
    keys = [stage[0].attention.attention.weights.shape[-1] for stage in cache.blocks]
    assert keys == [8, 8, 8]  # smaller reductions on smaller grids: the same number of keys


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="a reduction must be at least 1, not 0"):
        layer(0)
    with pytest.raises(ValueError, match="cannot be cut into squares of 4 x 4"):
        layer(4).forward(X)
    with pytest.raises(ValueError, match="2 widths, 1 numbers of heads, 2 reductions and 2 depths"):
        PyramidSettings((4, 6), (1,), (1, 1), (1, 1))
    with pytest.raises(ValueError, match="an image of 6 x 4 pixels cannot be cut into squares of 4 x 4"):
        PyramidStack(PyramidSettings((4, 6, 8), *[(1, 1, 1)] * 3), (6, 4), rng())
