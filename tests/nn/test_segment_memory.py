"""Segment memory: reading in segments equals one long pass, and the memory counts as a constant."""

import numpy as np
import pytest

from tfx.nn.segment_memory import SegmentMemoryBlock, SegmentMemorySettings, SegmentMemoryStack, segment_memory_mask
from tfx.ops.attention.masks import causal_mask

B, C, H, F = 2, 8, 2, 12


def stack(n_memory, n_layers=2, **settings):
    made = SegmentMemoryStack(
        SegmentMemorySettings(C, H, F, n_layers, n_memory, dtype="float64", **settings), np.random.default_rng(0)
    )
    for name, parameter in made.parameters().items():  # u and w start so small that mistakes would hide
        parameter.value = parameter.value + 0.3 * np.random.default_rng(len(name)).standard_normal(parameter.shape)
    return made


def text(length, seed=3):
    return np.random.default_rng(seed).standard_normal((B, length, C))


def in_segments(model, x, segment):
    memory, parts = None, []
    for start in range(0, x.shape[1], segment):
        y, cache = model.forward(x[:, start : start + segment], memory)
        memory = cache.memory
        parts.append(y)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("norm", ["post", "pre", "inner"])
@pytest.mark.parametrize(("segment", "n_memory"), [(1, 4), (3, 3), (4, 2), (3, 5), (5, 0), (12, 3)])
def test_reading_in_segments_equals_one_long_pass_under_the_mask_of_segments(norm, segment, n_memory):
    model, x = stack(n_memory, norm_place=norm), text(11)
    whole, _ = model.forward(x, mask=segment_memory_mask(11, segment, n_memory))
    np.testing.assert_allclose(in_segments(model, x, segment), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("segment", [1, 2, 5])
def test_with_a_memory_as_long_as_the_text_it_equals_one_causal_pass(segment):
    model, x = stack(11), text(11)
    np.testing.assert_allclose(in_segments(model, x, segment), model.forward(x)[0], rtol=0, atol=1e-12)


def test_without_memory_segments_know_nothing_of_each_other():
    model, x = stack(0), text(6)
    assert np.array_equal(in_segments(model, x, 3)[:, 3:], model.forward(x[:, 3:])[0])


def test_the_gradient_is_that_of_the_segment_with_its_memory_as_a_constant():
    """Equal to that of any other stack that was handed the same numbers; nothing flows to the segment before."""
    model, x = stack(3), text(8)
    _, before = model.forward(x[:, :4])
    y, cache = model.forward(x[:, 4:], before.memory)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    model.zero_grad()
    dx = model.backward(dy, cache)
    grads = {name: parameter.grad.copy() for name, parameter in model.parameters().items()}
    _, constant = model.forward(x[:, 4:], tuple(np.array(memory) for memory in before.memory))
    model.zero_grad()
    assert np.array_equal(model.backward(dy, constant), dx)
    assert all(np.array_equal(parameter.grad, grads[name]) for name, parameter in model.parameters().items())


def test_the_stopped_gradient_differs_from_that_of_the_whole_text():
    """The control of the test above: with the path through the memory, the first layer's keys would get more."""
    model, x = stack(4), text(8)
    dy = np.zeros_like(x)
    dy[:, 4:] = np.random.default_rng(1).standard_normal((B, 4, C))
    _, whole = model.forward(x)
    model.zero_grad()
    model.backward(dy, whole)
    through = model.blocks[0].attention.key.w.grad.copy()
    _, before = model.forward(x[:, :4])
    _, cache = model.forward(x[:, 4:], before.memory)
    model.zero_grad()
    model.backward(dy[:, 4:], cache)
    stopped = model.blocks[0].attention.key.w.grad
    assert np.abs(through - stopped).max() > 0.01 * np.abs(through).max()


def test_the_last_layer_gets_the_whole_gradient_because_its_memory_is_only_read():
    """Nothing above the last layer's memory: its parameters' gradients differ from the whole text's only through it."""
    model, x = stack(4, n_layers=1), text(8)
    dy = np.zeros_like(x)
    dy[:, 4:] = np.random.default_rng(1).standard_normal((B, 4, C))
    _, whole = model.forward(x)
    model.zero_grad()
    model.backward(dy, whole)
    through = model.blocks[0].attention.key.w.grad.copy()
    _, before = model.forward(x[:, :4])
    _, cache = model.forward(x[:, 4:], before.memory)
    model.zero_grad()
    model.backward(dy[:, 4:], cache)
    np.testing.assert_allclose(model.blocks[0].attention.key.w.grad, through, atol=1e-12)


def reach(n_layers, n_memory, length=16):
    """How many places back the first place of the last segment sees, segments as long as the memory."""
    model, x = stack(n_memory, n_layers), text(length)
    last = length - n_memory
    usual = in_segments(model, x, n_memory)[:, last]
    moved = []
    for place in range(last):
        changed = x.copy()
        changed[:, place] += 1
        if not np.array_equal(in_segments(model, changed, n_memory)[:, last], usual):
            moved.append(place)
    return last - min(moved)


@pytest.mark.parametrize("n_memory", [2, 4])
def test_every_layer_adds_one_memory_length_to_the_reach(n_memory):
    assert [reach(n_layers, n_memory) for n_layers in (1, 2, 3)] == [n_memory, 2 * n_memory, 3 * n_memory]


def test_the_memory_is_the_last_places_that_each_block_read():
    model, x = stack(3), text(7)
    _, first = model.forward(x[:, :5])
    _, second = model.forward(x[:, 5:], first.memory)
    assert np.array_equal(second.memory[0], x[:, 4:])  # post-LN: the first block reads its input
    assert all(memory.shape == (B, 3, C) for memory in second.memory)
    assert not np.shares_memory(second.memory[0], second.reads[0])


def test_a_memory_starts_short():
    _, cache = stack(5).forward(text(2))
    assert cache.memory[1].shape == (B, 2, C)


def test_the_mask_of_segments():
    assert segment_memory_mask(5, 2, 1).astype(int).tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 0, 1, 1],
    ]
    assert np.array_equal(segment_memory_mask(6, 6, 0), causal_mask(6))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="n_memory must be at least 0, not -1"):
        stack(-1)
    with pytest.raises(ValueError, match="1 memories do not fit 2 blocks"):
        stack(2).forward(text(3), (text(2),))
    with pytest.raises(ValueError, match="segment must be at least 1, not 0"):
        segment_memory_mask(4, 0, 2)
    with pytest.raises(ValueError, match="norm_place must be one of"):
        SegmentMemoryBlock(SegmentMemorySettings(C, H, F, norm_place="none"), np.random.default_rng(0))
