"""Arrays that know their longest chain of matrix products."""

import numpy as np
import pytest

from tfx.backend import xp_of
from tfx.measure.dependent_steps import following, following_in, most_steps
from tfx.nn.linear import Linear
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.sums import row_sums


def some(*shape, steps=0):
    return following(np.random.default_rng(0).standard_normal(shape), steps)


def test_a_product_waits_for_the_later_of_its_factors_and_nothing_else_adds_a_step():
    a, b = some(3, 3, steps=2), some(3, 3, steps=5)
    assert ((a @ b).steps, (a + b).steps, np.exp(a).steps, (a * 2).steps) == (6, 5, 2, 2)
    assert (np.concatenate([a, b]).steps, np.stack((a, a)).steps, a.T.steps, a[0].steps) == (5, 2, 2, 2)
    assert (a @ np.ones((3, 3))).steps == 3 and (np.zeros((3, 3)) @ b).steps == 6


def test_sums_that_are_made_as_products_are_no_step():
    assert row_sums(some(4, 3, steps=2)).steps == 2
    assert (some(4, 1, steps=2) @ np.array([[2.0]])).steps == 3
    assert (following(np.ones((1, 1, 1, 1))) @ some(1, 1, 1, 3)).steps == 1  # the weights of a first token


def test_what_is_written_into_an_array_makes_it_wait():
    into = some(3, 3, steps=1)
    into[1] = some(3, steps=4)
    assert into.steps == 4
    into += some(3, 3, steps=7)
    assert into.steps == 7
    np.add(into, 1, out=into)
    assert into.steps == 7
    assert some(5, 2)[following(np.array([1, 3]), 3)].steps == 3


def test_the_functions_of_its_module_keep_following():
    x = some(2, 3, steps=4)
    xp = xp_of(x)
    assert (xp.asarray(x).steps, xp.ascontiguousarray(x.T).steps, xp.zeros(3).steps) == (4, 4, 0)
    assert np.argmax(x, axis=-1).steps == 4 and xp.float32 is np.float32


def test_attention_takes_two_steps_and_its_gradients_two_more():
    q, k, v = (some(4, 3) for _ in range(3))
    out, cache = attention_forward(q, k, v)
    assert out.steps == 2
    dq, dk, dv = attention_backward(some(4, 3, steps=2), cache)
    assert (dq.steps, dk.steps, dv.steps) == (4, 4, 3)  # dP, then dQ and dK; dV needs the weights alone


def test_the_numbers_are_those_of_plain_arrays():
    q, k, v = (np.random.default_rng(seed).standard_normal((4, 3)) for seed in range(3))
    followed = attention_forward(*map(following, (q, k, v)))[0]
    assert np.array_equal(np.asarray(followed), attention_forward(q, k, v)[0])


def test_a_model_is_followed_inside_and_is_as_it_was_afterwards():
    layer = Linear(3, 2, np.random.default_rng(0), dtype="float64")
    value, grad = layer.w.value, layer.w.grad
    with following_in(layer):
        y, cache = layer.forward(some(4, 3, steps=1))
        assert y.steps == 2 and layer.backward(y, cache).steps == 3
    assert layer.w.value is value and layer.w.grad is grad and not grad.any()
    assert type(layer.forward(np.ones((1, 3)))[0]) is np.ndarray
    with pytest.raises(RuntimeError), following_in(layer):
        raise RuntimeError
    assert layer.w.value is value


def test_the_most_steps_are_found_inside_lists():
    assert most_steps((1, "a", [some(1, steps=2), (some(1, steps=3),)])) == 3 and most_steps([np.ones(2)]) == 0
