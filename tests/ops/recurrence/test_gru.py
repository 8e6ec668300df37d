"""The GRU: what its gates do, and the two places of the reset."""

import numpy as np
import pytest

from tfx.ops.recurrence.gru import gru_backward, gru_forward
from tfx.ops.recurrence.rnn import rnn_forward

RNG = np.random.default_rng(0)
B, T, WIDTH_IN, WIDTH = 2, 5, 3, 4
X, H0 = RNG.standard_normal((B, T, WIDTH_IN)), RNG.standard_normal((B, WIDTH))
W_X, W_H = RNG.standard_normal((WIDTH_IN, 3 * WIDTH)), RNG.standard_normal((WIDTH, 3 * WIDTH))
FAR = 1e3  # a gate with this offset is open, with its negative it is shut

both_resets = pytest.mark.parametrize("after", [False, True])


def gates(r, z, n):
    return np.repeat(np.array([r, z, n], dtype=float), WIDTH)


@both_resets
def test_an_open_update_gate_keeps_the_state_for_ever_and_passes_its_gradient_unchanged(after):
    h, cache = gru_forward(X, H0, W_X, W_H, gates(0, FAR, 0), linear_before_reset=after)
    assert np.array_equal(h, np.broadcast_to(H0[:, None], h.shape))
    dh = RNG.standard_normal((B, WIDTH))
    assert np.array_equal(gru_backward(np.zeros_like(h), cache, (dh,)).dh0, dh)


@both_resets
def test_with_reset_open_and_update_shut_it_is_the_simple_network(after):
    h, _ = gru_forward(X, H0, W_X, W_H, gates(FAR, -FAR, 0.3), linear_before_reset=after)
    n = slice(2 * WIDTH, None)
    want, _ = rnn_forward(X, H0, W_X[:, n], W_H[:, n], np.full(WIDTH, 0.3))
    np.testing.assert_allclose(h, want, rtol=1e-13)


@both_resets
def test_with_reset_and_update_shut_the_past_is_forgotten(after):
    h, _ = gru_forward(X, H0, W_X, W_H, gates(-FAR, -FAR, 0.3), linear_before_reset=after)
    np.testing.assert_allclose(h, np.tanh(X @ W_X[:, 2 * WIDTH :] + 0.3), rtol=1e-13)


def test_the_two_resets_are_different_networks():
    before, after = (gru_forward(X, H0, W_X, W_H, linear_before_reset=late)[0] for late in (False, True))
    assert not np.allclose(before, after)


def test_a_diagonal_candidate_matrix_commutes_with_the_reset():
    w_h = W_H.copy()
    w_h[:, 2 * WIDTH :] = np.diag(RNG.standard_normal(WIDTH))
    before, after = (gru_forward(X, H0, W_X, w_h, linear_before_reset=late)[0] for late in (False, True))
    np.testing.assert_allclose(before, after, rtol=1e-13)


def test_columns_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"3 x 4 columns, not \(3, 8\)"):
        gru_forward(X, H0, W_X[:, :8], W_H)
    with pytest.raises(ValueError, match=r"w_h must be \(4, 12\), not \(4, 8\)"):
        gru_forward(X, H0, W_X, W_H[:, :8])
