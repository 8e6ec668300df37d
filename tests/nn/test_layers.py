"""Each layer is its operation applied to its own parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.nn.attention import MultiHeadAttention
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.embedding import Embedding
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward
from tfx.nn.positions import Positions
from tfx.nn.stacks import DecoderStack, EncoderStack
from tfx.nn.token_output import TokenOutput
from tfx.ops.positions.positions import sinusoidal_positions
from tfx.params import Layer

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


def test_the_embedding_multiplies_rows_by_the_root_of_the_width():
    embedding = Embedding(5, 9, RNG, "float64")
    y, _ = embedding.forward(np.array([[4, 0]]))
    np.testing.assert_array_equal(y[0], embedding.table.value[[4, 0]] * math.sqrt(9))


def test_sinusoidal_positions_have_no_parameters_and_no_longest_length():
    positions = Positions("sinusoidal", 4, 6, RNG, "float64")
    x = normal(2, 11, 6)
    y, _ = positions.forward(x)
    assert positions.parameters() == {}
    np.testing.assert_allclose(y - x, np.broadcast_to(sinusoidal_positions(11, 6), x.shape), atol=1e-14)


def test_learned_positions_add_their_table_and_refuse_longer_sequences():
    positions = Positions("learned", 4, 6, RNG, "float64")
    x = normal(2, 3, 6)
    y, _ = positions.forward(x)
    np.testing.assert_array_equal(y, x + positions.table.value[:3])
    with pytest.raises(ValueError, match="the table has 4 rows"):
        positions.forward(normal(2, 5, 6))


def test_no_positions_change_nothing():
    x = normal(2, 3, 6)
    assert Positions("none", 4, 6, RNG).forward(x)[0] is x


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_block_is_its_published_formula(norm):
    block = EncoderBlock(BlockSettings(6, 3, 8, norm_place=norm, dtype="float64"), RNG)
    x, mask = normal(2, 5, 6), np.tri(5, dtype=bool)
    y, _ = block.forward(x, mask)
    attend = lambda z: block.attention.forward(z, mask=mask)[0]  # noqa: E731
    feed = lambda z: block.feed_forward.forward(z)[0]  # noqa: E731
    norm1 = lambda z: block.norm1.forward(z)[0]  # noqa: E731
    norm2 = lambda z: block.norm2.forward(z)[0]  # noqa: E731
    if norm == "pre":
        r = x + attend(norm1(x))
        expected = r + feed(norm2(r))
    else:
        r = norm1(x + attend(x))
        expected = norm2(r + feed(r))
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_decoder_block_whose_cross_attention_says_nothing_is_an_encoder_block_in_pre_ln_only(norm):
    decoder = DecoderBlock(BlockSettings(6, 3, 8, norm_place=norm, dtype="float64"), np.random.default_rng(1))
    decoder.cross_attention.output.w.value[...] = 0
    encoder = EncoderBlock(BlockSettings(6, 3, 8, norm_place=norm, dtype="float64"), RNG)
    encoder.norm1, encoder.attention = decoder.norm1, decoder.attention
    encoder.norm2, encoder.feed_forward = decoder.norm3, decoder.feed_forward
    x, memory, mask = normal(2, 5, 6), normal(2, 4, 6), np.tri(5, dtype=bool)
    difference = abs(decoder.forward(x, memory, mask)[0] - encoder.forward(x, mask)[0]).max()
    # post-LN normalises r once more between the two: LayerNorm of a normalised row changes it by its eps only
    assert difference == 0 if norm == "pre" else 0 < difference < 1e-4


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_only_a_pre_ln_stack_ends_with_a_norm_of_its_own(norm):
    for stack in (
        EncoderStack(StackSettings(6, 3, 8, 2, norm_place=norm), RNG),
        DecoderStack(StackSettings(6, 3, 8, 2, norm_place=norm), RNG),
    ):
        assert (stack.norm is not None) == (norm == "pre")


def test_a_stack_of_either_kind_gives_normalised_rows():
    for norm in ("pre", "post"):
        y, _ = EncoderStack(StackSettings(16, 4, 8, 3, norm_place=norm, dtype="float64"), RNG).forward(
            10 * normal(2, 5, 16)
        )
        np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
        np.testing.assert_allclose(y.var(-1), 1, atol=1e-4)


def attributes(layer: Layer, prefix: str = "") -> dict[str, int]:
    """Every attribute of a layer and of the layers in it -> the identity of its value."""
    found = {}
    for name, value in vars(layer).items():
        found[prefix + name] = id(value)
        if isinstance(value, Layer):
            found |= attributes(value, f"{prefix}{name}.")
    return found


def test_layers_keep_no_activation():
    block = DecoderBlock(BlockSettings(6, 3, 8, dropout=0.1), RNG)
    before = attributes(block)
    x = normal(2, 5, 6).astype("float32")
    y, cache = block.forward(x, x, rng=RNG)
    block.backward(y, cache)
    assert "attention.query.w" in before and attributes(block) == before


def test_backward_twice_on_one_cache_adds_the_same_gradient_twice():
    layer = MultiHeadAttention(6, 3, RNG, dtype="float64")
    y, cache = layer.forward(normal(2, 5, 6), normal(2, 4, 6))
    dx = layer.backward(y, cache)
    once = layer.key.w.grad.copy()
    for first, second in zip(dx, layer.backward(y, cache), strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(layer.key.w.grad, 2 * once)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: MultiHeadAttention(6, 4, RNG), "6 cannot be split into 4 heads"),
        (lambda: FeedForward(6, 8, RNG, "swish"), "swish"),
        (lambda: Positions("rotary", 4, 6, RNG), "rotary"),
        (lambda: EncoderBlock(BlockSettings(6, 3, 8, norm_place="middle"), RNG), "middle"),
        (lambda: DecoderStack(StackSettings(6, 3, 8, 0, norm_place="pre"), RNG), "at least one block"),
        (lambda: TokenOutput(Embedding(5, 6, RNG), 4, True, RNG), "4 classes"),
    ],
)
def test_impossible_settings_are_refused_by_name(make, said):
    with pytest.raises(ValueError, match=said):
        make()
