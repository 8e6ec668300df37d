"""Activation checkpointing: the same bits, less memory, one more forward pass. All three are counted."""

import math
import tracemalloc

import numpy as np
import pytest

from tfx.measure.held_memory import held_bytes
from tfx.nn.block_settings import BlockSettings
from tfx.nn.checkpointing import Checkpointed, CheckpointedStack, recall, remember
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask
from tfx.params import Layer

RNG = np.random.default_rng
X, MASK = RNG(0).standard_normal((2, 5, 6)), causal_mask(5)
DY = RNG(1).standard_normal(X.shape)


def blocks(n: int, width: int = 6) -> list[EncoderBlock]:
    return [EncoderBlock(BlockSettings(width, 3, 8, dropout=0.3, dtype="float64"), RNG(i)) for i in range(n)]


def gradients(layer: Layer, rng: np.random.Generator) -> list[np.ndarray]:
    """Output, input gradient and parameter gradients; and what the rng gives next."""
    layer.zero_grad()
    y, cache = layer.forward(X, MASK, rng)
    dx = layer.backward(DY, cache)
    return [y, dx, *(p.grad.copy() for p in layer.parameters().values()), np.array(rng.random())]


class Plain(Layer):
    """Blocks on top of each other that keep everything."""

    def __init__(self, blocks):
        self.blocks = blocks

    def forward(self, x, mask=None, rng=None):
        caches = []
        for block in self.blocks:
            x, cache = block.forward(x, mask, rng)
            caches.append(cache)
        return x, caches

    def backward(self, dy, caches):
        caches = list(caches)
        for block in reversed(self.blocks):
            dy = block.backward(dy, caches.pop())
        return dy


@pytest.mark.parametrize("every", [1, 2, 3, 5, 9])
def test_a_checkpointed_stack_gives_the_same_bits_as_a_plain_one(every):
    five = blocks(5)
    want, have = gradients(Plain(five), RNG(2)), gradients(CheckpointedStack(five, every), RNG(2))
    assert all(np.array_equal(a, b) for a, b in zip(want, have, strict=True))


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.Philox])
def test_one_checkpointed_layer_gives_the_same_bits_whatever_draws_the_dropout(bits):
    (block,) = blocks(1)
    generator = lambda: np.random.Generator(bits(3))  # noqa: E731
    want, have = gradients(block, generator()), gradients(Checkpointed(block), generator())
    assert all(np.array_equal(a, b) for a, b in zip(want, have, strict=True))


def test_a_layer_with_several_inputs_and_gradients_can_be_checkpointed():
    block, memory = (
        DecoderBlock(BlockSettings(6, 3, 8, dropout=0.3, dtype="float64"), RNG(0)),
        RNG(1).standard_normal((2, 7, 6)),
    )
    both = []
    for layer in (block, Checkpointed(block)):
        layer.zero_grad()
        _, cache = layer.forward(X, memory, mask=MASK, rng=RNG(4))
        dx, dmemory = layer.backward(DY, cache)[:2]
        both.append([dx, dmemory, *(p.grad.copy() for p in layer.parameters().values())])
    assert all(np.array_equal(a, b) for a, b in zip(*both, strict=True))


def test_backward_may_be_called_twice():
    stack = CheckpointedStack(blocks(3), 2)
    y, cache = stack.forward(X, MASK, RNG(5))
    assert np.array_equal(stack.backward(y, cache), stack.backward(y, cache))


def test_forward_holds_the_inputs_of_the_segments_and_nothing_else():
    for n, every in ((6, 2), (6, 6), (7, 3)):
        stack = CheckpointedStack(blocks(n), every)
        _, cache = stack.forward(X, None, RNG(6))
        assert held_bytes(cache) == math.ceil(n / every) * X.nbytes
    layer = Checkpointed(stack.blocks[0])
    assert held_bytes(layer.forward(X, None, RNG(6))[1]) == X.nbytes


class KeepsAsMuchAsItsInput(Layer):
    """The block of the paper's estimate: it adds one array of its input's size to what is held."""

    def forward(self, x, mask, rng):
        y = np.tanh(x)
        return y, y

    def backward(self, dy, y):
        return dy * (1 - y * y)


def peak_bytes(stack: CheckpointedStack) -> int:
    """The most that is held at any time in backward: all kept inputs, and the caches of one segment."""
    _, cache = stack.forward(X)
    return max(held_bytes((cache, stack.run_again(i, cache)), besides=stack) for i in range(len(stack.segments)))


@pytest.mark.parametrize("n", [16, 25, 36])
def test_segments_of_the_root_of_the_depth_hold_the_least(n):
    peaks = {every: peak_bytes(CheckpointedStack([KeepsAsMuchAsItsInput()] * n, every)) for every in range(1, n + 1)}
    root = math.isqrt(n)
    assert min(peaks, key=lambda every: peaks[every]) == root == CheckpointedStack([Plain([])] * n).every
    assert peaks[root] <= 2 * root * X.nbytes < peaks[n] == (n + 1) * X.nbytes


def test_blocks_that_keep_much_want_shorter_segments():
    sixteen = blocks(16)
    peaks = [peak_bytes(CheckpointedStack(sixteen, every)) for every in range(1, 17)]
    assert peaks[0] == min(peaks) and sorted(peaks) == peaks
    ordinary = held_bytes(Plain(sixteen).forward(X)[1], besides=Plain(sixteen))
    assert peaks[0] < ordinary / 7


def allocated(layer: Layer) -> int:
    """The peak that Python itself measures, over forward and backward."""
    x = RNG(0).standard_normal((4, 32, 24))
    layer.forward(x[:1])  # once, for what is allocated only once
    tracemalloc.start()
    y, cache = layer.forward(x)
    layer.backward(y, cache)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_python_measures_the_saving_too():
    twelve = blocks(12, width=24)
    assert allocated(CheckpointedStack(twelve, 1)) < allocated(CheckpointedStack(twelve, 4)) < allocated(Plain(twelve))
    assert allocated(CheckpointedStack(twelve, 1)) < 0.4 * allocated(Plain(twelve))


class Counted(KeepsAsMuchAsItsInput):
    def __init__(self):
        self.forwards = self.backwards = 0

    def forward(self, x, mask, rng):
        self.forwards += 1
        return super().forward(x, mask, rng)

    def backward(self, dy, y):
        self.backwards += 1
        return super().backward(dy, y)


@pytest.mark.parametrize("every", [1, 3, 7])
def test_it_costs_one_more_forward_of_every_block(every):
    stack = CheckpointedStack([Counted() for _ in range(7)], every)
    y, cache = stack.forward(X)
    assert [block.forwards for block in stack.blocks] == [1] * 7
    stack.backward(y, cache)
    assert [(block.forwards, block.backwards) for block in stack.blocks] == [(2, 1)] * 7


def test_a_remembered_generator_goes_on_from_where_it_was():
    rng = RNG(8)
    rng.random(3)
    then = remember(rng)
    first = rng.random(4)
    assert np.array_equal(recall(then).random(4), first) and np.array_equal(recall(then).random(4), first)
    assert recall(remember(MASK)) is MASK


def test_no_blocks_and_bad_segments():
    empty = CheckpointedStack([])
    y, cache = empty.forward(X)
    assert y is X and empty.backward(DY, cache) is DY
    with pytest.raises(ValueError, match="at least one block, not 0"):
        CheckpointedStack(blocks(2), 0)
