"""The feed-forward network: two maps and a bend, at each token alone."""

import numpy as np
import pytest

from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 4))
W1, B1, W2, B2 = (RNG.standard_normal(shape) for shape in ((4, 9), 9, (9, 4), 4))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_is_its_formula(name):
    y, cache = feed_forward_forward(X, W1, B1, W2, B2, name)
    hidden = ACTIVATIONS[name][0](X @ W1 + B1)[0]
    np.testing.assert_allclose(y, hidden @ W2 + B2, rtol=1e-12)
    np.testing.assert_allclose(cache.hidden, hidden, rtol=1e-12)


def test_tokens_do_not_see_each_other():
    y, _ = feed_forward_forward(X, W1, B1, W2, B2)
    x2 = X.copy()
    x2[0, 3] += 1.0
    changed = (feed_forward_forward(x2, W1, B1, W2, B2)[0] != y).any(axis=-1)
    assert changed.sum() == 1 and changed[0, 3]


def test_without_biases_their_gradients_are_none():
    y, cache = feed_forward_forward(X, W1, None, W2, None)
    grads = feed_forward_backward(np.ones_like(y), cache)
    assert grads.db1 is None and grads.db2 is None and grads.dw1.shape == W1.shape


def test_length_zero_works_both_ways():
    y, cache = feed_forward_forward(np.zeros((2, 0, 4)), W1, B1, W2, B2)
    grads = feed_forward_backward(y, cache)
    assert grads.dx.shape == (2, 0, 4) and not any(grad.any() for grad in grads)


def test_an_unknown_activation_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r'one of relu, gelu, gelu_tanh, .*, not "swish"'):
        feed_forward_forward(X, W1, B1, W2, B2, "swish")
