"""Stochastic depth and LayerDrop as layers: training and evaluation, and what is really computed."""

import numpy as np
import pytest

from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.stochastic_depth import LayerDropStack, StochasticDepth
from tfx.params import Layer

RNG = np.random.default_rng
X = RNG(0).standard_normal((4, 3, 6))


def blocks(n: int) -> list[EncoderBlock]:
    return [EncoderBlock(BlockSettings(6, 3, 8, dtype="float64"), RNG(i)) for i in range(n)]


@pytest.mark.parametrize("rescaled", [True, False])
def test_the_mean_over_training_is_what_evaluation_adds(rescaled):
    layer = StochasticDepth(0.25, rescaled)
    rng, n = RNG(1), 4000
    mean = sum(layer.forward(X, rng)[0] for _ in range(n)) / n
    np.testing.assert_allclose(mean, layer.forward(X)[0], atol=0.03 * abs(X).max())


def test_evaluation_adds_the_branch_itself_or_as_published_its_share():
    assert StochasticDepth(0.25).forward(X)[0] is X
    np.testing.assert_array_equal(StochasticDepth(0.25, rescaled=False).forward(X)[0], 0.75 * X)


def test_rate_zero_changes_nothing_and_draws_nothing():
    rng = RNG(2)
    assert StochasticDepth(0.0).forward(X, rng)[0] is X
    assert rng.random() == RNG(2).random()


@pytest.mark.parametrize("rescaled", [True, False])
@pytest.mark.parametrize("rng", [None, 3])
def test_float32_stays_float32(rescaled, rng):
    layer, x = StochasticDepth(0.5, rescaled), X.astype("float32")
    y, cache = layer.forward(x, None if rng is None else RNG(rng))
    assert y.dtype == layer.backward(y, cache).dtype == "float32"


class Counted(Layer):
    """Doubles, and counts how often it is asked to."""

    def __init__(self) -> None:
        self.forwards = self.backwards = 0

    def forward(self, x, mask, rng):
        self.forwards += 1
        return 2 * x, ()

    def backward(self, dy, cache):
        self.backwards += 1
        return 2 * dy


def test_a_block_that_is_left_out_is_not_computed_either_way():
    stack = LayerDropStack([Counted() for _ in range(200)], 0.3)
    _, cache = stack.forward(np.float64(0), rng=RNG(4))
    stack.backward(np.float64(0), cache)
    ran = [block.forwards for block in stack.blocks]
    assert ran == [block.backwards for block in stack.blocks] and set(ran) == {0, 1}
    assert sum(ran) == pytest.approx(140, abs=20)


def test_in_evaluation_every_block_runs():
    y, _ = LayerDropStack([Counted() for _ in range(5)], 0.9).forward(np.float64(1))
    assert y == 2**5


def test_a_batch_that_loses_a_block_is_the_shorter_stack():
    three = LayerDropStack(blocks(3), 0.4)
    y, cache = three.forward(X, rng=RNG(9))
    assert [block is None for block in cache.blocks] == [False, True, False]
    shorter, _ = LayerDropStack([three.blocks[0], three.blocks[2]], 0.0).forward(X)
    np.testing.assert_array_equal(y, shorter)
    three.backward(y, cache)
    middle = three.blocks[1].parameters().values()
    assert not any(parameter.grad.any() for parameter in middle)
    assert all(any(p.grad.any() for p in block.parameters().values()) for block in (three.blocks[0], three.blocks[2]))


def test_a_pruned_stack_keeps_every_other_block_and_shares_it():
    stack = LayerDropStack(blocks(4), 0.5)
    assert stack.pruned().blocks == [stack.blocks[1], stack.blocks[3]]
    assert stack.pruned(0.25).blocks == stack.blocks[1:]


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="stochastic depth must be at least 0"):
        StochasticDepth(rate)
    with pytest.raises(ValueError, match="LayerDrop must be at least 0"):
        LayerDropStack([], rate)
