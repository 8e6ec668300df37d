"""Compressive memory: sizes, contents, and maps that learn to keep what attention looks for."""

import numpy as np
import pytest

from tfx.nn.compressive_memory import CompressiveMemory
from tfx.nn.segment_memory import SegmentMemorySettings, SegmentMemoryStack

B, C, H, F = 2, 6, 2, 8


def rng():
    return np.random.default_rng(0)


def memory(n_memory=4, n_compressed=3, rate=2, compression="mean", n_layers=1):
    settings = SegmentMemorySettings(C, H, F, n_layers, n_memory, dtype="float64")
    return CompressiveMemory(settings, n_compressed, rate, rng(), compression)


def text(length, seed=3):
    return np.random.default_rng(seed).standard_normal((B, length, C))


def pushed(one, x, segment):
    state = None
    for start in range(0, x.shape[1], segment):
        state, _ = one.push(state, (x[:, start : start + segment],))
    return state


def test_nothing_is_squeezed_before_the_recent_memory_is_full():
    state, squeezed = memory().push(None, (text(4),))
    assert np.array_equal(state.recent[0], text(4)) and state.compressed[0].shape == (B, 0, C)
    assert squeezed == (None,)


@pytest.mark.parametrize("segment", [1, 2, 3, 5])
def test_the_memory_holds_the_last_places_and_means_of_the_ones_before(segment):
    x = text(12)
    state = pushed(memory(), x, segment)
    recent = state.recent[0].shape[1]
    assert recent == (4 if (12 - 4) % 2 == 0 else 5)
    assert np.array_equal(state.recent[0], x[:, 12 - recent :])
    means = x[:, : 12 - recent].reshape(B, -1, 2, C).mean(axis=2)
    np.testing.assert_allclose(state.compressed[0], means[:, -3:], atol=1e-15)
    assert np.array_equal(state.memory[0], np.concatenate((state.compressed[0], state.recent[0]), axis=1))


def test_places_that_make_no_whole_group_wait():
    state = pushed(memory(), text(7), 7)  # three are too old, two of them are squeezed
    assert state.recent[0].shape[1] == 5 and state.compressed[0].shape[1] == 1


def test_a_convolution_squeezes_neighbours_with_one_map():
    one, x = memory(compression="convolution"), text(8)
    state, (squeezed,) = one.push(None, (x,))
    w, b = one.maps[0].w.value, one.maps[0].b.value
    want = [np.concatenate((x[:, i], x[:, i + 1]), axis=-1) @ w + b for i in (0, 2)]
    np.testing.assert_allclose(state.compressed[0], np.stack(want, axis=1), atol=1e-14)
    assert squeezed.old.shape == (B, 4, C) and squeezed.new.shape == (B, 2, C)


def test_a_convolution_that_averages_is_the_mean():
    one = memory(compression="convolution")
    one.maps[0].w.value = np.concatenate((np.eye(C), np.eye(C))) / 2
    np.testing.assert_allclose(pushed(one, text(9), 3).memory[0], pushed(memory(), text(9), 3).memory[0], atol=1e-14)


def test_at_a_rate_of_one_the_mean_forgets_nothing():
    state = pushed(memory(2, 9, rate=1), text(10), 5)
    np.testing.assert_allclose(state.memory[0], text(10)[:, -10:], atol=0)


def test_a_stack_reads_farther_with_it():
    """One layer, segments of two: without compression the reach is four places, with it four and three times two."""
    stack = SegmentMemoryStack(SegmentMemorySettings(C, H, F, 1, 4, dtype="float64"), rng())

    def last(x):
        one, state = memory(), None
        for start in range(0, 16, 2):
            y, cache = stack.forward(x[:, start : start + 2], None if state is None else state.memory)
            state, _ = one.push(state, cache.reads)
        return y

    usual, moved = last(text(16)), []
    for place in range(14):
        x = text(16)
        x[:, place] += np.arange(C)
        moved.append(not np.array_equal(last(x), usual))
    assert moved.index(True) == 14 - (4 + 3 * 2)


def reconstructed(one, stack, x):
    _, cache = stack.forward(x)
    _, squeezed = one.push(None, cache.reads)
    return one.reconstruction(stack, cache.reads, squeezed)


def test_the_loss_is_zero_where_nothing_is_lost():
    stack = SegmentMemoryStack(SegmentMemorySettings(C, H, F, 1, 4, dtype="float64"), rng())
    x = np.repeat(text(5), 2, axis=1)  # pairs of equal places: their mean is both of them
    assert float(reconstructed(memory(), stack, x)[0]) < 1e-28
    assert float(reconstructed(memory(), stack, text(10))[0]) > 1e-4


def test_the_loss_teaches_the_maps_and_touches_nothing_else():
    stack = SegmentMemoryStack(SegmentMemorySettings(C, H, F, 2, 4, dtype="float64"), rng())
    one = memory(2, 3, compression="convolution", n_layers=2)
    losses = []
    for step in range(60):
        loss, caches = reconstructed(one, stack, text(10, seed=step % 5))
        losses.append(float(loss))
        one.zero_grad()
        one.backward(1.0, caches)
        for parameter in one.parameters().values():
            parameter.value -= 0.1 * parameter.grad
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert not any(parameter.grad.any() for parameter in stack.parameters().values())


def test_the_mean_has_nothing_to_learn():
    stack = SegmentMemoryStack(SegmentMemorySettings(C, H, F, 1, 4, dtype="float64"), rng())
    one = memory()
    one.backward(1.0, reconstructed(one, stack, text(10))[1])
    assert one.parameters() == {}


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="compression must be one of mean, convolution, not 'max'"):
        memory(compression="max")
    with pytest.raises(ValueError, match="rate must be at least 1, not 0"):
        memory(rate=0)
