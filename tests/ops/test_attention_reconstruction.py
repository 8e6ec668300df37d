"""Attention reconstruction: the loss that teaches a memory to be squeezed."""

import numpy as np
import pytest

from tfx.ops.attention import attention_forward
from tfx.ops.attention_reconstruction import attention_reconstruction_backward, attention_reconstruction_forward

RNG = np.random.default_rng(0)
Q, K, V = RNG.standard_normal((2, 5, 4)), RNG.standard_normal((2, 6, 4)), RNG.standard_normal((2, 6, 3))


def test_it_is_the_mean_square_of_what_the_two_memories_say():
    loss, _ = attention_reconstruction_forward(K[:, :2], V[:, :2], Q, K, V)
    difference = attention_forward(Q, K[:, :2], V[:, :2])[0] - attention_forward(Q, K, V)[0]
    assert float(loss) == pytest.approx((difference**2).mean(), rel=1e-14)


def test_a_memory_that_is_the_old_one_has_no_loss_and_no_gradient():
    loss, cache = attention_reconstruction_forward(K, V, Q, K, V)
    assert float(loss) == 0
    assert not any(grad.any() for grad in attention_reconstruction_backward(1.0, cache))


def test_what_nobody_looks_for_may_be_lost():
    """The last key is far from every query: without it, attention says the same."""
    k = K.copy()
    k[:, -1] = -500 * Q.mean(axis=1)
    q = np.broadcast_to(Q.mean(axis=1, keepdims=True), Q.shape)
    loss, _ = attention_reconstruction_forward(k[:, :-1], V[:, :-1], q, k, V)
    assert float(loss) < 1e-12


def test_queries_and_old_memory_get_no_gradient():
    _, cache = attention_reconstruction_forward(K[:, :2], V[:, :2], Q, K, V)
    assert attention_reconstruction_backward(1.0, cache)._fields == ("dnew_k", "dnew_v")
