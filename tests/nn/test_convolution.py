"""Convolutions along a sequence, and the block made of one."""

import numpy as np
import pytest

from tfx.nn.convolution import Convolution1d
from tfx.nn.convolution_block import ConvolutionBlock, ConvolutionBlockSettings
from tfx.ops.grids.convolution import convolution_forward

B, T, C = 2, 9, 6
X = np.random.default_rng(0).standard_normal((B, T, C))


def layer(width_out=4, **settings):
    return Convolution1d(C, width_out, 3, np.random.default_rng(1), dtype="float64", **settings)


@pytest.mark.parametrize(("padding", "length"), [("causal", T), ("same", T), ("valid", T - 4)])
def test_it_is_the_operation_with_tokens_and_channels_swapped(padding, length):
    conv = layer(padding=padding, dilation=2)
    conv.b.value = np.arange(4.0)
    y, _ = conv.forward(X)
    want, _ = convolution_forward(X.swapaxes(1, 2), conv.w.value, conv.b.value, padding=padding, dilation=2)
    assert y.shape == (B, length, 4)
    np.testing.assert_array_equal(y, want.swapaxes(1, 2))


def test_a_causal_layer_goes_on_from_its_state():
    conv = layer(dilation=2)
    whole, _ = conv.forward(X)
    first, cache = conv.forward(X[:, :4])
    second, _ = conv.forward(X[:, 4:], cache.state)
    np.testing.assert_allclose(np.concatenate((first, second), axis=1), whole, rtol=0, atol=1e-13)


def test_only_a_causal_layer_has_a_state():
    with pytest.raises(ValueError, match='padding "same" has no state'):
        layer(padding="same").forward(X, np.zeros((B, C, 2)))


def test_outputs_keep_the_size_of_inputs_at_the_start():
    conv = Convolution1d(64, 64, 5, np.random.default_rng(0), init="xavier_uniform")
    y, _ = conv.forward(np.random.default_rng(1).standard_normal((8, 64, 64)).astype("float32"))
    assert 0.7 < y[:, 4:].std() < 1.8


def test_channels_of_a_depthwise_layer_do_not_mix():
    conv = layer(width_out=C, groups=C)
    y, _ = conv.forward(X)
    other = X.copy()
    other[..., 2] += 1
    assert np.flatnonzero((conv.forward(other)[0] != y).any(axis=(0, 1))).tolist() == [2]
    assert conv.w.shape == (C, 1, 3)


def test_channels_that_cannot_be_grouped_are_refused():
    with pytest.raises(ValueError, match="widths 6 and 4 cannot be cut into 4 groups"):
        layer(groups=4)


def test_a_block_is_its_published_formula():
    block = ConvolutionBlock(ConvolutionBlockSettings(C, dtype="float64"), 2, np.random.default_rng(1))
    y, _ = block.forward(X)
    h, _ = block.convolution.forward(block.norm.forward(X)[0])
    np.testing.assert_array_equal(y, X + block.mix.forward(np.maximum(h, 0))[0])


def test_an_unknown_activation_is_refused_by_name():
    with pytest.raises(ValueError, match="swash"):
        ConvolutionBlock(ConvolutionBlockSettings(C, activation="swash"), 1, np.random.default_rng(0))
