"""Auxiliary losses are found in any cache, weigh what they are told to, and come through a second forward."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from tfx.nn.auxiliary_losses import AuxiliaryLoss, auxiliary_loss, auxiliary_losses, weigh, with_losses
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.checkpointing import Checkpointed, CheckpointedStack
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.stacks import EncoderStack


class Cache(NamedTuple):
    x: np.ndarray
    loss: AuxiliaryLoss
    parts: tuple[list[AuxiliaryLoss], None]


def a_cache() -> Cache:
    one, two, three = (AuxiliaryLoss(np.array(value)) for value in (1.0, 2.0, 3.0))
    return Cache(np.ones(3), one, ([two, three], None))


def test_they_are_found_in_order_wherever_they_are_and_added_up():
    assert [float(loss.value) for loss in auxiliary_losses(a_cache())] == [1, 2, 3]
    assert auxiliary_loss(a_cache()) == 6 and auxiliary_loss((np.ones(2), None)) == 0


def test_weights_multiply_and_all_else_stays_the_same_object():
    cache = a_cache()
    weighed = weigh(weigh(cache, 0.5), 4)
    assert type(weighed) is Cache and weighed.x is cache.x and isinstance(weighed.parts[0], list)
    assert [loss.weight for loss in auxiliary_losses(weighed)] == [2, 2, 2] and auxiliary_loss(weighed) == 12
    assert auxiliary_loss(cache) == 6, "the first one was not written to"
    assert auxiliary_losses(with_losses(cache, auxiliary_losses(weighed))) == auxiliary_losses(weighed)


SIZES = (6, 3, 5)
EXPERTS = {"n": 3, "k": 1, "losses": {"balance": 0.5, "z": 0.1}}


@pytest.mark.parametrize("every", [None, 1, 3])
def test_checkpointing_tells_the_losses_of_a_plain_stack_and_takes_their_weight(every):
    x = np.random.default_rng(0).standard_normal((2, 4, 6))
    plain = EncoderStack(
        StackSettings(*SIZES, 3, norm_place="pre", final_norm=False, dtype="float64", experts=EXPERTS),
        np.random.default_rng(1),
    )
    kept = CheckpointedStack(plain.blocks, every)
    gradients = []
    for stack in (plain, kept):
        y, cache = stack.forward(x)
        plain.zero_grad()
        dx = stack.backward(y, weigh(cache, 7.0))
        gradients.append([dx, *(p.grad.copy() for p in plain.parameters().values())])
        gradients[-1].append(np.array([float(loss.value) for loss in auxiliary_losses(cache)]))
    assert gradients[0][-1].shape == (3,)
    for want, have in zip(*gradients, strict=True):
        np.testing.assert_array_equal(have, want)


def test_a_checkpointed_layer_does_too():
    x = np.random.default_rng(0).standard_normal((2, 4, 6))
    block = EncoderBlock(BlockSettings(*SIZES, dtype="float64", experts=EXPERTS), np.random.default_rng(1))
    gradients = []
    for layer in (block, Checkpointed(block)):
        y, cache = layer.forward(x)
        block.zero_grad()
        layer.backward(y, weigh(cache, 7.0))
        gradients.append((auxiliary_loss(cache), block.feed_forward.router.w.grad.copy()))
    assert gradients[0][0] == gradients[1][0] > 0
    np.testing.assert_array_equal(gradients[0][1], gradients[1][1])
