"""Conformer: half steps around attention and a convolution."""

import numpy as np
import pytest

from tfx.nn.conformer import ConformerBlock, ConformerSettings, ConvolutionModule
from tfx.nn.normalisation import set_training

C, H, F = 6, 3, 8
X = np.random.default_rng(0).standard_normal((2, 7, C))


def rng():
    return np.random.default_rng(1)


def block(inner_norm="batch_norm", kernel=3):
    made = ConformerBlock(ConformerSettings(C, H, F, kernel, inner_norm=inner_norm, dtype="float64"), rng())
    for name, parameter in made.parameters().items():
        parameter.value = parameter.value + 0.3 * np.random.default_rng(len(name)).standard_normal(parameter.shape)
    return made


def layer_norm(x, layer):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * layer.gamma.value + layer.beta.value


def swish(x):
    return x / (1 + np.exp(-x))


def feed_forward(x, layer):
    hidden = swish(x @ layer.first.w.value + layer.first.b.value)
    return hidden @ layer.second.w.value + layer.second.b.value


def test_the_block_is_the_formula_of_the_paper():
    one = block()
    x = X + 0.5 * feed_forward(layer_norm(X, one.norm1), one.feed_forward1)
    x = x + one.attention.forward(layer_norm(x, one.norm2))[0]
    x = x + one.convolution.forward(x)[0]
    x = x + 0.5 * feed_forward(layer_norm(x, one.norm3), one.feed_forward2)
    np.testing.assert_allclose(one.forward(X)[0], layer_norm(x, one.norm4), atol=1e-12)


def test_the_convolution_module_is_the_formula_of_the_paper():
    one = block().convolution
    wide = layer_norm(X, one.norm) @ one.widen.w.value + one.widen.b.value
    g = wide[..., :C] / (1 + np.exp(-wide[..., C:]))
    padded = np.pad(g, ((0, 0), (1, 1), (0, 0)))
    taps = one.depthwise.w.value[:, 0]  # (C, K): each feature by itself
    d = sum(padded[:, k : k + 7] * taps[:, k] for k in range(3)) + one.depthwise.b.value
    mean, variance = d.mean(axis=(0, 1)), d.var(axis=(0, 1))
    n = (d - mean) / np.sqrt(variance + 1e-5) * one.inner_norm.gamma.value + one.inner_norm.beta.value
    np.testing.assert_allclose(one.forward(X)[0], swish(n) @ one.narrow.w.value + one.narrow.b.value, atol=1e-12)


def test_the_convolution_sees_neighbours_only():
    one = ConvolutionModule(ConformerSettings(C, kernel=3, inner_norm="layer_norm", dtype="float64"), rng())
    changed = X.copy()
    changed[:, 3] += np.arange(C)
    moved = np.abs(one.forward(changed)[0] - one.forward(X)[0]).max(axis=(0, 2)) > 0
    assert np.flatnonzero(moved).tolist() == [2, 3, 4]


def test_attention_sees_everything():
    changed = X.copy()
    changed[:, 3] += np.arange(C)
    one = block("layer_norm")
    assert (np.abs(one.forward(changed)[0] - one.forward(X)[0]).max(axis=(0, 2)) > 0).all()


@pytest.mark.parametrize("inner_norm", ["batch_norm", "layer_norm"])
def test_a_padded_row_gives_the_same_as_the_row_alone(inner_norm):
    one = block(inner_norm)
    set_training(one, False)
    y, _ = one.forward(X, keep=np.arange(7) < np.array([[7], [4]]))
    np.testing.assert_allclose(y[1, :4], one.forward(X[1:, :4])[0][0], atol=1e-12)


def test_batch_norm_inside_counts_real_tokens_only():
    one, other = block(), block()
    keep = np.arange(7) < np.array([[7], [4]])
    changed = np.where(keep[..., None], X, 100.0)
    y, _ = one.forward(X, keep)
    again, _ = other.forward(changed, keep)
    np.testing.assert_allclose(again[keep], y[keep], atol=1e-12)


def test_the_running_statistics_move_in_training():
    one = block()
    one.forward(X)
    one.update_buffers()
    assert one.convolution.inner_norm.mean.value.any()


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="width 6 cannot be split into 4 heads"):
        ConformerBlock(ConformerSettings(C, 4, F, 3), rng())
