"""The simple recurrent network: its gradient is a product of Jacobians, and its activation can be chosen."""

import numpy as np
import pytest

from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward

RNG = np.random.default_rng(0)
X, H0 = RNG.standard_normal((2, 5, 3)), RNG.standard_normal((2, 4))
W_X, W_H, B = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 4)), RNG.standard_normal(4)


def test_the_gradient_to_the_first_state_is_the_product_of_the_jacobians():
    h, cache = rnn_forward(X, H0, W_X, W_H, B)
    dlast = RNG.standard_normal((2, 4))
    want = dlast
    for t in range(4, -1, -1):
        want = (want * (1 - h[:, t] ** 2)) @ W_H.T
    np.testing.assert_allclose(rnn_backward(np.zeros_like(h), cache, (dlast,)).dh0, want, rtol=1e-13)


@pytest.mark.parametrize("scale", [0.5, 0.9])
def test_recurrent_weights_of_norm_below_one_make_the_gradient_vanish(scale):
    orthogonal = np.linalg.qr(W_H)[0]
    x = RNG.standard_normal((1, 60, 3))
    h, cache = rnn_forward(x, np.zeros((1, 4)), W_X, scale * orthogonal, B)
    dh0 = rnn_backward(np.zeros_like(h), cache, (np.ones((1, 4)),)).dh0
    assert np.linalg.norm(dh0) <= 2 * scale**60


def test_a_linear_start_lets_the_gradient_explode_with_the_spectral_radius():
    """relu on positive numbers is the identity, so 20 steps multiply by W_h twenty times: 1.5^20 = 3325."""
    h, cache = rnn_forward(
        np.ones((1, 20, 3)), np.ones((1, 4)), np.abs(W_X), 1.5 * np.eye(4), np.abs(B), activation="relu"
    )
    dh0 = rnn_backward(np.zeros_like(h), cache, (np.ones((1, 4)),)).dh0
    np.testing.assert_allclose(dh0, 1.5**20, rtol=1e-12)


def test_relu_states_are_never_negative_and_sigmoid_ones_stay_between_0_and_1():
    assert (rnn_forward(X, H0, W_X, W_H, B, activation="relu")[0] >= 0).all()
    h, _ = rnn_forward(X, H0, W_X, W_H, B, activation="sigmoid")
    assert ((h > 0) & (h < 1)).all()


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="not 'cosine'"):
        rnn_forward(X, H0, W_X, W_H, B, activation="cosine")


def test_without_recurrent_weights_every_step_stands_alone():
    h, _ = rnn_forward(X, H0, W_X, np.zeros((4, 4)), B)
    np.testing.assert_allclose(h, np.tanh(X @ W_X + B), rtol=1e-14)
