"""The feed-forward network with a gate: a plain one where the gate is open, and its own parameter count."""

import numpy as np
import pytest

from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward
from tfx.ops.feed_forward.gated import GATES, glu_forward
from tfx.ops.feed_forward.gated_feed_forward import gated_feed_forward_backward, gated_feed_forward_forward

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 4))
SHAPES = ((4, 9), 9, (4, 9), 9, (9, 4), 4)
W = [RNG.standard_normal(shape) for shape in SHAPES]


@pytest.mark.parametrize("gate", GATES)
def test_it_is_its_formula(gate):
    w_gate, b_gate, w_up, b_up, w_down, b_down = W
    y, cache = gated_feed_forward_forward(X, *W, gate)
    hidden, _ = glu_forward(X @ w_gate + b_gate, X @ w_up + b_up, GATES[gate])
    np.testing.assert_allclose(y, hidden @ w_down + b_down, rtol=1e-12)
    np.testing.assert_allclose(cache.hidden, hidden, rtol=1e-12)


def test_a_value_that_is_always_one_leaves_a_plain_network():
    w_gate, b_gate, w_up, b_up, w_down, b_down = W
    open_up = (np.zeros_like(w_up), np.ones_like(b_up))
    y, cache = gated_feed_forward_forward(X, w_gate, b_gate, *open_up, w_down, b_down, "geglu")
    plain, plain_cache = feed_forward_forward(X, w_gate, b_gate, w_down, b_down, "gelu")
    np.testing.assert_array_equal(y, plain)
    grads, plain_grads = gated_feed_forward_backward(y, cache), feed_forward_backward(plain, plain_cache)
    np.testing.assert_array_equal(grads.dx, plain_grads.dx)
    np.testing.assert_array_equal(grads.dw_gate, plain_grads.dw1)


def test_tokens_do_not_see_each_other():
    y, _ = gated_feed_forward_forward(X, *W)
    x2 = X.copy()
    x2[0, 3] += 1.0
    changed = (gated_feed_forward_forward(x2, *W)[0] != y).any(axis=-1)
    assert changed.sum() == 1 and changed[0, 3]


def test_without_biases_their_gradients_are_none():
    y, cache = gated_feed_forward_forward(X, W[0], None, W[2], None, W[4], None)
    grads = gated_feed_forward_backward(y, cache)
    assert grads.db_gate is None and grads.db_up is None and grads.db_down is None


def test_length_zero_works_both_ways():
    y, cache = gated_feed_forward_forward(np.zeros((2, 0, 4)), *W)
    grads = gated_feed_forward_backward(y, cache)
    assert grads.dx.shape == (2, 0, 4) and not any(grad.any() for grad in grads)


def test_an_unknown_gate_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match='one of glu, bilinear, reglu, geglu, geglu_tanh, swiglu, not "relu"'):
        gated_feed_forward_forward(X, *W, "relu")
