"""Attention reconstruction: the loss that teaches a memory to be squeezed."""

import numpy as np
import pytest

from tfx.ops.attention.attention_reconstruction import (
    attention_reconstruction_backward,
    attention_reconstruction_forward,
)
from tfx.ops.attention.scaled_dot_product import attention_forward

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


def test_one_number_alone_is_squared_and_pulls_twice_its_error():
    """One place of memory always has the weight 1: 5 was said, 3 is."""
    one = np.ones((1, 1))
    loss, cache = attention_reconstruction_forward(one, 3 * one, one, one, 5 * one)
    grads = attention_reconstruction_backward(1.0, cache)
    assert float(loss) == 4 and grads.dnew_v.item() == -4 and grads.dnew_k.item() == 0


def test_no_query_loses_nothing():
    loss, cache = attention_reconstruction_forward(K[:, :2], V[:, :2], Q[:, :0], K, V)
    grads = attention_reconstruction_backward(1.0, cache)
    assert float(loss) == 0 and grads.dnew_k.shape == K[:, :2].shape and not (grads.dnew_k.any() or grads.dnew_v.any())


def test_float32_stays_float32_with_dloss_in_float64():
    q, k, v = (x.astype("float32") for x in (Q, K, V))
    loss, cache = attention_reconstruction_forward(k[:, :2], v[:, :2], q, k, v)
    assert {x.dtype for x in (loss, *attention_reconstruction_backward(np.float64(2.0), cache))} == {
        np.dtype("float32")
    }
