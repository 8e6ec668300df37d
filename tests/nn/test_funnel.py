"""Funnel: queries are pooled, keys are not; what is short can be made long again."""

import numpy as np
import pytest

from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.funnel import FunnelBlock, FunnelSettings, FunnelStack
from tfx.ops.attention.masks import padding_mask

C, H, F = 6, 3, 8
X = np.random.default_rng(0).standard_normal((2, 8, C))


def rng():
    return np.random.default_rng(1)


def gradients(layer, x):
    y, cache = layer.forward(x)
    layer.zero_grad()
    dx = layer.backward(np.random.default_rng(2).standard_normal(y.shape), cache)
    return y, dx, *(parameter.grad for parameter in layer.parameters().values())


@pytest.mark.parametrize("norm", ["post", "pre", "inner"])
def test_a_stride_of_one_is_the_encoder_block(norm):
    funnel = FunnelBlock(FunnelSettings(C, H, F, stride=1, norm_place=norm, dtype="float64"), rng())
    plain = EncoderBlock(BlockSettings(C, H, F, norm_place=norm, dtype="float64"), rng())
    plain.load_state(funnel.state())
    for a, b in zip(gradients(funnel, X), gradients(plain, X), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_the_block_is_the_formula_of_the_paper():
    layer = FunnelBlock(FunnelSettings(C, H, F, dtype="float64"), rng())
    q = X.reshape(2, 4, 2, C).mean(axis=2)
    a, _ = layer.attention.forward(q, X)
    r, _ = layer.norm1.forward(q + a)
    f, _ = layer.feed_forward.forward(r)
    np.testing.assert_allclose(layer.forward(X)[0], layer.norm2.forward(r + f)[0], atol=1e-13)


def test_a_short_place_hears_every_long_one():
    """Keys and values are not pooled: swapping two places of different windows changes all results."""
    layer = FunnelBlock(FunnelSettings(C, H, F, dtype="float64"), rng())
    changed = X.copy()
    changed[:, 5] += np.arange(C)
    assert (np.abs(layer.forward(changed)[0] - layer.forward(X)[0]).max(axis=(0, 2)) > 1e-6).all()


def shapes_of_scores(cache):
    return [block.weights.shape[-2:] for stage in cache.stages for block in stage]


def test_every_stage_halves_the_length_and_pooling_blocks_halve_only_the_queries():
    stack = FunnelStack((2, 2, 1), FunnelSettings(C, H, F, dtype="float64"), rng())
    y, cache = stack.forward(X)
    assert y.shape == (2, 2, C)
    assert shapes_of_scores(cache) == [(8, 8), (8, 8), (4, 8), (4, 4), (2, 4)]


@pytest.mark.parametrize(("length", "short"), [(1, 1), (2, 1), (5, 2), (7, 2), (9, 3)])
def test_any_length_goes_through_and_comes_back(length, short):
    x = np.ones((2, length, C))
    assert FunnelStack((1, 1, 1), FunnelSettings(C, H, F, dtype="float64"), rng()).forward(x)[0].shape == (2, short, C)
    stack = FunnelStack((1, 1, 1), FunnelSettings(C, H, F, dtype="float64"), rng(), n_decoder=1)
    y, cache = stack.forward(x)
    assert y.shape == stack.backward(y, cache).shape == x.shape


def test_the_way_back_adds_the_first_stage_to_the_repeated_last_one():
    short, long = (
        FunnelStack((1, 1, 1), FunnelSettings(C, H, F, dtype="float64"), rng(), n_decoder=n) for n in (None, 0)
    )
    first, _ = long.stages[0][0].forward(X)
    want = first + np.repeat(short.forward(X)[0], 4, axis=1)
    np.testing.assert_allclose(long.forward(X)[0], want, atol=1e-14)


@pytest.mark.parametrize("length", range(1, 9))
@pytest.mark.parametrize("norm_place", ["pre", "post"])
def test_a_padded_row_gives_the_same_as_the_row_alone_whatever_the_filling(norm_place, length):
    stack = FunnelStack((1, 1, 1), FunnelSettings(C, H, F, norm_place=norm_place, dtype="float64"), rng(), n_decoder=1)
    x, keep = X.copy(), np.arange(8) < np.array([[8], [length]])
    want, _ = stack.forward(X[1:, :length])
    for filling in (0.0, 7.0):
        x[1, length:] = filling
        y, _ = stack.forward(x, keep=keep)
        np.testing.assert_allclose(y[1, :length], want[0], atol=1e-13)


def test_a_mask_keeps_padding_out_of_a_block():
    layer = FunnelBlock(FunnelSettings(C, H, F, dtype="float64"), rng())
    y, _ = layer.forward(X, padding_mask([8, 4], 8))
    np.testing.assert_allclose(y[1, :2], layer.forward(X[1:, :4])[0][0], atol=1e-13)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="a stride must be at least 1, not 0"):
        FunnelBlock(FunnelSettings(C, H, F, stride=0), rng())
    with pytest.raises(ValueError, match=r"every stage needs at least one block, not \(1, 0\)"):
        FunnelStack((1, 0), FunnelSettings(C, H, F), rng())
