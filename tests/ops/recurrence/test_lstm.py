"""The LSTM: a cell that keeps, gates that see it through peepholes, and a projection."""

import numpy as np
import pytest

from tfx.ops.recurrence.lstm import lstm_backward, lstm_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward

RNG = np.random.default_rng(0)
B, T, WIDTH_IN, WIDTH = 2, 5, 3, 4
X, H0, C0 = (RNG.standard_normal(shape) for shape in ((B, T, WIDTH_IN), (B, WIDTH), (B, WIDTH)))
W_X, W_H = RNG.standard_normal((WIDTH_IN, 4 * WIDTH)), 0.5 * RNG.standard_normal((WIDTH, 4 * WIDTH))
BIAS = RNG.standard_normal(4 * WIDTH)
FAR = 1e3  # a gate with this offset is open, with its negative it is shut


def gates(i, f, g, o):
    return np.repeat(np.array([i, f, g, o], dtype=float), WIDTH)


def test_a_shut_input_and_an_open_forget_gate_keep_the_cell_for_ever():
    h, cache = lstm_forward(X, H0, C0, W_X, W_H, gates(-FAR, FAR, 0, FAR))
    assert np.array_equal(cache.last[1], C0)
    np.testing.assert_allclose(h, np.broadcast_to(np.tanh(C0)[:, None], h.shape), rtol=1e-15)


def test_and_a_gradient_at_the_last_cell_arrives_at_the_first_unchanged():
    h, cache = lstm_forward(X, H0, C0, W_X, W_H, gates(-FAR, FAR, 0, FAR))
    dc = RNG.standard_normal((B, WIDTH))
    assert np.array_equal(lstm_backward(np.zeros_like(h), cache, (None, dc)).dc0, dc)


def test_over_sixty_steps_the_gradient_outlives_that_of_the_simple_network_by_far():
    x, zero = RNG.standard_normal((1, 60, WIDTH_IN)), np.zeros((1, WIDTH))
    h, cache = lstm_forward(x, zero, zero, 0.3 * W_X, 0.3 * W_H, gates(0, 3, 0, 0))
    kept = np.linalg.norm(lstm_backward(np.zeros_like(h), cache, (None, np.ones((1, WIDTH)))).dc0)
    h, cache = rnn_forward(x, zero, 0.3 * W_X[:, :WIDTH], 0.3 * W_H[:, :WIDTH])
    lost = np.linalg.norm(rnn_backward(np.zeros_like(h), cache, (np.ones((1, WIDTH)),)).dh0)
    assert kept > 0.01 and kept > 1e10 * lost


def test_the_cell_path_of_the_gradient_is_the_product_of_the_forget_gates():
    h, cache = lstm_forward(X, H0, C0, W_X, np.zeros_like(W_H), BIAS)  # the path through h is cut
    dc = RNG.standard_normal((B, WIDTH))
    want = dc * np.prod([step.f.y for step in cache.time.steps], axis=0)
    np.testing.assert_allclose(lstm_backward(np.zeros_like(h), cache, (None, dc)).dc0, want, rtol=1e-13)


def test_a_shut_output_gate_hides_the_cell():
    h, cache = lstm_forward(X, H0, C0, W_X, W_H, gates(0, FAR, 0, -FAR))
    assert not h.any() and cache.last[1].any()


def test_peepholes_of_zero_change_nothing_and_others_do():
    plain, _ = lstm_forward(X, H0, C0, W_X, W_H, BIAS)
    assert np.array_equal(lstm_forward(X, H0, C0, W_X, W_H, BIAS, peepholes=np.zeros((3, WIDTH)))[0], plain)
    for row in range(3):
        peepholes = np.zeros((3, WIDTH))
        peepholes[row] = 1.0
        assert not np.allclose(lstm_forward(X, H0, C0, W_X, W_H, BIAS, peepholes=peepholes)[0][:, 0], plain[:, 0])


def test_the_output_gate_peeps_at_the_new_cell_and_the_others_at_the_old():
    """Without inputs and weights: i, f and o are sigmoids of the cell that each of them sees."""

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    p_i, p_f, p_o = peepholes = RNG.standard_normal((3, WIDTH))
    nothing = np.zeros((B, 1, WIDTH_IN))
    bias = gates(0, 0, 0.7, 0)
    h, cache = lstm_forward(nothing, 0 * H0, C0, W_X, W_H, bias, peepholes=peepholes)
    c = sigmoid(p_f * C0) * C0 + sigmoid(p_i * C0) * np.tanh(0.7)
    np.testing.assert_allclose(cache.last[1], c, rtol=1e-13)
    np.testing.assert_allclose(h[:, 0], sigmoid(p_o * c) * np.tanh(c), rtol=1e-13)


def test_an_identity_projection_is_no_projection_and_a_narrow_one_narrows_h_alone():
    plain, _ = lstm_forward(X, H0, C0, W_X, W_H, BIAS)
    assert np.array_equal(lstm_forward(X, H0, C0, W_X, W_H, BIAS, w_r=np.eye(WIDTH))[0], plain)
    h, cache = lstm_forward(X, H0[:, :2], C0, W_X, W_H[:2], BIAS, w_r=RNG.standard_normal((WIDTH, 2)))
    assert h.shape == (B, T, 2) and [part.shape for part in cache.last] == [(B, 2), (B, WIDTH)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w_x": W_X[:, :-4]}, r"needs 4 x 4 columns, not w_x \(3, 12\)"),
        ({"c0": C0[:1]}, "h0 has batch 2 but c0 has 1"),
        ({"peepholes": np.zeros(12)}, r"peepholes must be \(3, 4\), not \(12,\)"),
        ({"w_r": np.zeros((4, 2))}, r"projected by \(4, 2\) does not give h0's width 4"),
        ({"h0": H0[:, :3], "w_h": W_H[:3]}, "does not give h0's width 3"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, message):
    given = {"x": X, "h0": H0, "c0": C0, "w_x": W_X, "w_h": W_H, "b": BIAS}
    with pytest.raises(ValueError, match=message):
        lstm_forward(**{**given, **change})


def test_no_gradient_at_the_last_state_is_a_gradient_of_zeros_there():
    rng = np.random.default_rng(4)
    x, w_x, w_h = (rng.standard_normal(shape) for shape in ((2, 3, 4), (4, 20), (5, 20)))
    h0, c0, b = np.zeros((2, 5)), np.zeros((2, 5)), rng.standard_normal(20)
    y, cache = lstm_forward(x, h0, c0, w_x, w_h, b)
    dy = rng.standard_normal(y.shape)
    silent, zeros = lstm_backward(dy, cache), lstm_backward(dy, cache, (np.zeros((2, 5)), np.zeros((2, 5))))
    for a, b in zip(silent, zeros, strict=True):
        assert a is b is None or np.array_equal(a, b)


def test_no_steps_give_a_projection_no_gradient_but_one_of_its_shape():
    x, w_x, w_h, w_r = (np.ones(shape) for shape in ((2, 0, 4), (4, 20), (3, 20), (5, 3)))
    h, cache = lstm_forward(x, np.ones((2, 3)), np.ones((2, 5)), w_x, w_h, np.ones(20), w_r=w_r)
    grads = lstm_backward(np.ones_like(h), cache)
    assert h.shape == (2, 0, 3) and grads.dw_r.shape == (5, 3) and not grads.dw_r.any()
