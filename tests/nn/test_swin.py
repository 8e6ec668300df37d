"""Swin: attention inside windows, and what a shift brings together."""

import numpy as np
import pytest

from tfx.nn.attention import AttentionParts
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.relative_bias import GridRelativeBias
from tfx.nn.swin import PatchMerging, SwinBlock, SwinStage

C, H, F = 6, 3, 8
X = np.random.default_rng(0).standard_normal((2, 4, 6, C))


def rng():
    return np.random.default_rng(1)


def block(grid=(4, 6), window=2, shift=0):
    return SwinBlock(BlockSettings(C, H, F, dtype="float64"), grid, window, shift, rng())


def gradients(layer, *inputs):
    y, cache = layer.forward(*inputs)
    layer.zero_grad()
    dx = layer.backward(np.random.default_rng(2).standard_normal(y.shape), cache)
    return y, dx, *(parameter.grad for parameter in layer.parameters().values())


def test_a_window_as_large_as_the_grid_is_a_plain_encoder_block():
    x = X[:, :, :4]
    bias = GridRelativeBias(4, 4, H, rng(), "float64")
    plain = EncoderBlock(BlockSettings(C, H, F, dtype="float64"), rng(), AttentionParts(position_bias=bias))
    swin = block((4, 4), window=4, shift=2)
    plain.load_state(swin.block.state())
    have, want = gradients(swin, x), gradients(plain, x.reshape(2, 16, C))
    assert swin.shift == 0
    for a, b in zip(have, want, strict=True):
        np.testing.assert_allclose(a.reshape(b.shape), b, rtol=0, atol=1e-12)


def heard(layer, place):
    """The places whose output changes with the input at `place`."""
    changed = X.copy()
    changed[:, place[0], place[1]] += np.arange(C)
    different = np.abs(layer.forward(changed)[0] - layer.forward(X)[0]).max(axis=(0, 3)) > 1e-12
    return set(zip(*(axis.tolist() for axis in np.nonzero(different)), strict=True))


def test_inside_windows_nobody_hears_another_window():
    assert heard(block(), (1, 1)) == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_shift_moves_the_windows():
    assert heard(block(shift=1), (1, 1)) == {(1, 1), (1, 2), (2, 1), (2, 2)}


@pytest.mark.parametrize(
    ("place", "region"),
    [((0, 0), {(0, 0)}), ((0, 1), {(0, 1), (0, 2)}), ((3, 5), {(3, 5)}), ((3, 3), {(3, 3), (3, 4)})],
)
def test_places_from_opposite_ends_do_not_hear_each_other(place, region):
    assert heard(block(shift=1), place) == region


def test_two_blocks_join_what_one_keeps_apart():
    stage = SwinStage(StackSettings(C, H, F, 2, dtype="float64"), (4, 6), 2, rng())
    assert [one.shift for one in stage.blocks] == [0, 1]
    assert heard(stage, (1, 1)) > heard(block(), (1, 1))
    assert (2, 2) in heard(stage, (1, 1))


def test_windows_have_one_bias_for_each_offset():
    assert block(window=2).block.attention.position_bias.table.shape == (9, H)


def test_the_number_of_scores_grows_with_the_places_and_not_with_their_square():
    for rows in (4, 8, 16):
        x = np.ones((1, rows, 6, C))
        _, cache = block((rows, 6)).forward(x)
        assert cache.block.weights.size == H * rows * 6 * 4


def test_merging_norms_four_places_and_maps_them_to_one():
    layer = PatchMerging(C, rng(), dtype="float64")
    y, _ = layer.forward(X)
    assert y.shape == (2, 2, 3, 2 * C)
    four = np.concatenate([X[:, 2, 4], X[:, 2, 5], X[:, 3, 4], X[:, 3, 5]], axis=-1)
    normed = (four - four.mean(-1, keepdims=True)) / np.sqrt(four.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y[:, 1, 2], normed @ layer.linear.w.value, atol=1e-12)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="cannot be cut into squares of 4 x 4"):
        block(window=4)
    with pytest.raises(ValueError, match="a shift of 2 makes no sense for windows of 2"):
        block(shift=2)
    with pytest.raises(ValueError, match=r"works on a grid of \(4, 6\) but this one is \(6, 4\)"):
        block().forward(X.swapaxes(1, 2))
