"""Layers name what does not fit: sizes when they are made, arrays when they are read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.nn.attention import MultiHeadAttention
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.compressive_memory import CompressiveMemory
from tfx.nn.conformer import ConformerSettings, ConvolutionModule
from tfx.nn.embedding import Embedding
from tfx.nn.feed_forward import FeedForward, FeedForwardSettings
from tfx.nn.funnel import FunnelSettings, FunnelStack
from tfx.nn.key_value_buffer import KeyValueBuffer
from tfx.nn.linear import Linear
from tfx.nn.longformer import LongformerAttention
from tfx.nn.memory_attention import MemoryAttention
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.nn.rotary import Rotary
from tfx.nn.segment_memory import SegmentMemorySettings, last_places, segment_memory_mask
from tfx.nn.soft_experts import SoftExperts
from tfx.nn.swin import SwinBlock, SwinStage
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.experts.expert_capacity import expert_capacity
from tfx.ops.experts.hash_routing import balanced_hash, random_hash

RNG = np.random.default_rng(0)


def draw(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


X = draw(2, 6, 8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: Linear(n, 4, RNG), "the width that a linear map reads"),
        (lambda n: Linear(4, n, RNG), "the width that a linear map makes"),
        (lambda n: Embedding(n, 4, RNG), "vocab"),
        (lambda n: Embedding(4, n, RNG), "the width of an embedding"),
        (lambda n: FeedForward(4, n, RNG), "d_ff"),
        (lambda n: MultiHeadAttention(n, 2, RNG), "width"),
        (lambda n: MultiHeadAttention(8, 2, RNG, d_head=n), "d_head"),
        (lambda n: SoftExperts(FeedForwardSettings(8, 16), RNG, n=n), "n, the experts of a soft mixture,"),
        (lambda n: SoftExperts(FeedForwardSettings(8, 16), RNG, n_slots=n), "n_slots"),
        (lambda n: MixtureOfExperts(8, n, RNG), "d_ff"),
        (lambda n: MemoryAttention("additive", 8, 8, RNG, n), "hidden"),
        (lambda n: ConvolutionModule(ConformerSettings(8, kernel=n), RNG), "kernel"),
        (lambda n: CompressiveMemory(SegmentMemorySettings(8, n_memory=4), 4, n, RNG), "rate"),
        (lambda n: SwinBlock(BlockSettings(8, 2, 16), (4, 4), n, 0, RNG), "window"),
        (lambda n: SwinBlock(BlockSettings(8, 2, 16), (n, 4), 2, 0, RNG), "grid"),
        (lambda n: segment_memory_mask(6, n, 2), "segment"),
    ],
)
def test_a_size_of_0_or_less_and_one_that_is_not_whole_are_named(make, message):
    for size, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError), ("a", TypeError)):
        with pytest.raises(error, match=f"{message} must be"):
            make(size)


@pytest.mark.parametrize("n_heads", [0, -1, 3, 16])
def test_heads_that_do_not_divide_the_width_are_named(n_heads):
    with pytest.raises(ValueError, match=f"width 8 cannot be split into {n_heads} heads"):
        MultiHeadAttention(8, n_heads, RNG)


@pytest.mark.parametrize("n_heads", [2.0, 2.5, "2", None])
def test_a_number_of_heads_is_whole(n_heads):
    with pytest.raises(TypeError, match="n_heads must be a whole number"):
        MultiHeadAttention(8, n_heads, RNG)


@pytest.mark.parametrize("past", [(2, 3, 4, 4), (2, 2, 4, 3), (3, 2, 4, 4)])
def test_a_past_of_other_heads_width_or_batch_is_named(past):
    with pytest.raises(ValueError, match=r"past keys or values .* do not fit the new ones"):
        MultiHeadAttention(8, 2, RNG).forward(X, past=KeyValue(draw(*past), draw(*past)))


def test_a_past_for_one_row_serves_all():
    attention = MultiHeadAttention(8, 2, RNG)
    one = KeyValue(draw(1, 2, 4, 4), draw(1, 2, 4, 4))
    each = KeyValue(one.k.repeat(2, axis=0), one.v.repeat(2, axis=0))
    assert np.array_equal(attention.forward(X, past=one)[0], attention.forward(X, past=each)[0])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n": 0}, ValueError, "at least one expert, not 0"),
        ({"n": 2.5}, TypeError, "n must be a whole number"),
        ({"n": 4, "k": 0}, ValueError, "a token can choose 1 to 4 of 4 experts, not 0"),
        ({"n": 4, "k": 5}, ValueError, "a token can choose 1 to 4 of 4 experts, not 5"),
        ({"n": 4, "k": 1.5}, TypeError, "k must be a whole number"),
        ({"capacity_factor": 0}, ValueError, "a capacity factor of 0"),
        ({"capacity_factor": -1}, ValueError, "a capacity factor of -1"),
        ({"capacity_factor": math.nan}, ValueError, "a capacity factor of nan"),
        ({"capacity_factor": math.inf}, ValueError, "a capacity factor of inf"),
        ({"losses": 3}, TypeError, "losses are coefficients by name, not 3"),
    ],
)
def test_a_mixture_of_experts_names_what_cannot_be(settings, error, message):
    with pytest.raises(error, match=message):
        MixtureOfExperts(8, 16, RNG, **settings)


def test_places_and_hashes_of_experts_need_tokens_and_experts():
    with pytest.raises(ValueError, match="k must be at least 1"):
        expert_capacity(6, 4, 0)
    with pytest.raises(ValueError, match="the number of tokens must be at least 0"):
        expert_capacity(-1, 4)
    with pytest.raises(ValueError, match="the vocabulary must be at least 0"):
        random_hash(-1, 4, RNG)
    with pytest.raises(TypeError, match="the vocabulary must be a whole number"):
        random_hash(2.5, 4, RNG)
    with pytest.raises(ValueError, match="one finite number of at least 0 for each id"):
        balanced_hash(np.full(4, math.nan), 2)


def test_a_soft_mixture_needs_an_axis_of_tokens():
    with pytest.raises(ValueError, match=r"all tokens of a sequence, not \(8,\)"):
        SoftExperts(FeedForwardSettings(8, 16), RNG).forward(X[0, 0])


def test_stages_and_grids_are_given_one_by_one():
    with pytest.raises(TypeError, match="layers must be a number of blocks for each stage, not 2"):
        FunnelStack(2, FunnelSettings(8, 2, 16), RNG)
    with pytest.raises(ValueError, match="n_decoder must be at least 0, not -1"):
        FunnelStack((1, 1), FunnelSettings(8, 2, 16), RNG, n_decoder=-1)
    with pytest.raises(ValueError, match=r"grid must be \(rows, columns\), not 4"):
        SwinBlock(BlockSettings(8, 2, 16), 4, 2, 0, RNG)
    with pytest.raises(ValueError, match="shift must be at least 0"):
        SwinBlock(BlockSettings(8, 2, 16), (4, 4), 2, -1, RNG)
    with pytest.raises(ValueError, match="n_layers must be at least 0"):
        SwinStage(StackSettings(8, 2, 16, -1), (4, 4), 2, RNG)


def test_global_places_are_a_sequence():
    with pytest.raises(TypeError, match="global_places must be a sequence of places, not 3"):
        LongformerAttention(8, 2, RNG, 2, global_places=3)


def test_what_a_convolution_module_cannot_read_is_named():
    module = ConvolutionModule(ConformerSettings(8, kernel=3), RNG)
    with pytest.raises(ValueError, match=r"keep is \(2, 5\) but x has tokens \(2, 6\)"):
        module.forward(X, np.ones((2, 5), dtype=bool))
    with pytest.raises(ValueError, match=r"x must be \(batch, length, width\), not \(6, 8\)"):
        module.forward(X[0])


@pytest.mark.parametrize("base", [0, -1, math.nan])
def test_the_base_of_rotary_positions_is_positive(base):
    with pytest.raises(ValueError, match="base must be above 0"):
        Rotary(4, base)


def test_a_memory_that_does_not_fit_what_is_read_is_named():
    for memory in (draw(2, 3, 7), draw(3, 3, 8)):
        with pytest.raises(ValueError, match="does not fit what was read"):
            last_places(memory, X, 4)
    with pytest.raises(ValueError, match="n_memory must be at least 0, not -1"):
        last_places(None, X, -1)


def test_a_compressive_memory_is_for_so_many_blocks_and_whole_groups():
    memory = CompressiveMemory(SegmentMemorySettings(8, n_memory=2), 4, 2, RNG)
    with pytest.raises(ValueError, match="1 blocks were read but this is the memory of 2"):
        memory.push(None, [X])
    with pytest.raises(ValueError, match="there is no block 2 of 2"):
        memory.compress(2, X)
    with pytest.raises(ValueError, match="3 places cannot be squeezed in groups of 2"):
        memory.compress(0, X[:, :3])


@pytest.mark.parametrize("sizes", [(-1, 2, 3, 4), (2, -1, 3, 4), (2, 2, -1, 4), (2, 2, 3, -1)])
def test_a_buffer_has_no_negative_size(sizes):
    with pytest.raises(ValueError, match="must be at least 0, not -1"):
        KeyValueBuffer.empty(*sizes)


def test_the_rows_of_a_buffer_are_those_it_has():
    buffer = KeyValueBuffer.empty(2, 2, 3, 4)
    for rows in ([0, 2], [-1]):
        with pytest.raises(ValueError, match="are not all among the 2 of this buffer"):
            buffer.select(rows)
    with pytest.raises(TypeError, match="rows must be integers"):
        buffer.select([0.5])
    assert buffer.select([]).storage_k.shape == (0, 2, 3, 4)
    with pytest.raises(TypeError, match="the tokens to keep must be a whole number"):
        buffer.keep(1.5)
