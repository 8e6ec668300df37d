"""A feed-forward network read as a memory, and a fact that is written into it."""

import numpy as np
import pytest

from tfx.lab.block.feed_forward_memory import Memory, with_slot
from tfx.nn.feed_forward import FeedForward


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_feed_forward_network_is_a_sum_of_values(activation):
    rng = np.random.default_rng(0)
    layer = FeedForward(6, 10, rng, activation, dtype="float64")
    for parameter in layer.parameters().values():
        parameter.value[...] = rng.standard_normal(parameter.shape)
    w1, b1, w2, b2 = (parameter.value for parameter in layer.parameters().values())
    memory, x = Memory(w1.T, b1, w2, b2, activation), rng.standard_normal((3, 6))
    np.testing.assert_allclose(memory.read(x), layer.forward(x)[0], rtol=1e-12)
    by_slot = sum(memory.coefficients(x)[:, i, None] * w2[i] for i in range(10)) + b2
    np.testing.assert_allclose(memory.read(x), by_slot, rtol=1e-12)


def test_a_written_fact_is_answered_at_its_key_and_changes_nothing_elsewhere():
    rng = np.random.default_rng(1)
    keys = np.eye(6)[:4]
    memory = Memory(rng.standard_normal((5, 6)), np.zeros(5), rng.standard_normal((5, 6)), np.zeros(6))
    value = rng.standard_normal(6)
    edited = with_slot(memory, keys[0], value, width=0.5)
    np.testing.assert_allclose(edited.read(keys[0]), memory.read(keys[0]) + value)
    np.testing.assert_allclose(edited.read(keys[1:]), memory.read(keys[1:]))
    with pytest.raises(ValueError, match="relu"):
        with_slot(memory._replace(activation="gelu"), keys[0], value, 0.5)
