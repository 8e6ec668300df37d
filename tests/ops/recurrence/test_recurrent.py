"""RNN, LSTM and GRU along a sequence: what holds for all three, and each against a plain loop over numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tfx.ops.recurrence.gru import gru_backward, gru_forward
from tfx.ops.recurrence.lstm import lstm_backward, lstm_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward

B, T, WIDTH_IN, WIDTH = 3, 6, 4, 5
OPS = {
    "rnn": (rnn_forward, rnn_backward, 1, {}),
    "lstm": (lstm_forward, lstm_backward, 4, {}),
    "gru": (gru_forward, gru_backward, 3, {}),
    "gru, reset after": (gru_forward, gru_backward, 3, {"linear_before_reset": True}),
}
every_op = pytest.mark.parametrize("name", OPS)


def drawn(name: str, seed: int = 0) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """x and the initial state; the weights."""
    rng, n = np.random.default_rng(seed), OPS[name][2] * WIDTH
    given = [rng.standard_normal((B, T, WIDTH_IN))]
    given += [rng.standard_normal((B, WIDTH)) for _ in range(2 if name == "lstm" else 1)]
    weights = {"w_x": rng.standard_normal((WIDTH_IN, n)), "w_h": 0.5 * rng.standard_normal((WIDTH, n))}
    return given, weights | {"b": rng.standard_normal(n), "b_h": rng.standard_normal(n)}


def forward(name: str, given: list[Any], weights: dict[str, Any], **settings: Any) -> tuple[Any, Any]:
    return OPS[name][0](*given, **weights, **OPS[name][3], **settings)


def backward(name: str, dh: Any, cache: Any, dlast: Any = None) -> Any:
    return OPS[name][1](dh, cache, dlast)


def by_hand(name: str, x: Any, state: Any, w_x: Any, w_h: Any, b: Any, b_h: Any) -> list[list[float]]:
    """One row, one unit after the other, with nothing but numbers; the formulas of the papers."""

    def sigmoid(z: float) -> float:
        return 1 / (1 + math.exp(-z))

    h, c = list(state[0]), list(state[-1])
    seen = []
    for x_t in x:
        a = [b[j] + sum(x_t[i] * w_x[i, j] for i in range(WIDTH_IN)) for j in range(len(b))]
        u = [b_h[j] + sum(h[i] * w_h[i, j] for i in range(WIDTH)) for j in range(len(b))]
        new_h, new_c = [], []
        for k in range(WIDTH):
            i, f, g, o = (j * WIDTH + k for j in range(4))
            if name == "rnn":
                new_h.append(math.tanh(a[k] + u[k]))
            elif name == "lstm":
                new_c.append(sigmoid(a[f] + u[f]) * c[k] + sigmoid(a[i] + u[i]) * math.tanh(a[g] + u[g]))
                new_h.append(sigmoid(a[o] + u[o]) * math.tanh(new_c[k]))
            else:
                reset = [sigmoid(a[j] + u[j]) for j in range(WIDTH)]
                update = sigmoid(a[WIDTH + k] + u[WIDTH + k])
                n = 2 * WIDTH + k
                before = b_h[n] + sum(reset[j] * h[j] * w_h[j, n] for j in range(WIDTH))
                candidate = math.tanh(a[n] + (reset[k] * u[n] if name.endswith("after") else before))
                new_h.append(update * h[k] + (1 - update) * candidate)
        h, c = new_h, new_c
        seen.append(h)
    return seen


@every_op
def test_the_states_are_those_of_a_loop_over_numbers(name):
    given, weights = drawn(name)
    h, _ = forward(name, given, weights)
    for row in range(B):
        want = by_hand(name, given[0][row], [state[row] for state in given[1:]], **weights)
        np.testing.assert_allclose(h[row], want, rtol=1e-13)


@every_op
def test_a_batch_of_one_equals_a_row_of_a_batch(name):
    given, weights = drawn(name)
    h, _ = forward(name, given, weights)
    alone, _ = forward(name, [array[1:2] for array in given], weights)
    np.testing.assert_allclose(alone[0], h[1], rtol=1e-13)


@every_op
def test_the_future_changes_no_earlier_state_and_the_past_changes_every_later_one(name):
    given, weights = drawn(name)
    moved = [given[0].copy(), *given[1:]]
    moved[0][:, 3] += 0.1
    h, changed = forward(name, given, weights)[0], forward(name, moved, weights)[0]
    assert np.array_equal(changed[:, :3], h[:, :3])
    assert (changed[:, 3:] != h[:, 3:]).all()


@every_op
@pytest.mark.parametrize("cut", [0, 1, 4, T])
def test_a_sequence_in_two_pieces_is_the_sequence(name, cut):
    given, weights = drawn(name)
    h, cache = forward(name, given, weights)
    first, carried = forward(name, [given[0][:, :cut], *given[1:]], weights)
    second, ended = forward(name, [given[0][:, cut:], *carried.last], weights)
    np.testing.assert_allclose(np.concatenate((first, second), axis=1), h, rtol=1e-14)
    for part, want in zip(ended.last, cache.last, strict=True):
        np.testing.assert_allclose(part, want, rtol=1e-14)


@every_op
def test_so_is_its_gradient_when_the_gradient_of_the_state_is_handed_back(name):
    given, weights = drawn(name)
    dh = np.random.default_rng(7).standard_normal((B, T, WIDTH))
    whole = backward(name, dh, forward(name, given, weights)[1])
    _, first = forward(name, [given[0][:, :2], *given[1:]], weights)
    _, second = forward(name, [given[0][:, 2:], *first.last], weights)
    later = backward(name, dh[:, 2:], second)
    states = [later.dh0, later.dc0] if name == "lstm" else [later.dh0]
    earlier = backward(name, dh[:, :2], first, tuple(states))
    np.testing.assert_allclose(np.concatenate((earlier.dx, later.dx), axis=1), whole.dx, rtol=1e-12, atol=1e-14)
    for weight in ("dw_x", "dw_h", "db", "db_h"):
        np.testing.assert_allclose(
            getattr(earlier, weight) + getattr(later, weight), getattr(whole, weight), rtol=1e-11
        )


@every_op
def test_without_it_the_gradient_is_truncated_and_the_first_piece_learns_nothing_of_the_last_state(name):
    given, weights = drawn(name)
    dh = np.zeros((B, T, WIDTH))
    dh[:, -1] = 1.0  # only the last state is read
    whole = backward(name, dh, forward(name, given, weights)[1])
    assert (np.abs(whole.dx).max(axis=-1) > 0).all()
    _, first = forward(name, [given[0][:, :2], *given[1:]], weights)
    assert not backward(name, dh[:, :2], first).dx.any()


@every_op
@pytest.mark.parametrize("reverse", [False, True])
def test_a_gradient_at_the_last_state_is_one_at_its_place_of_the_output(name, reverse):
    given, weights = drawn(name)
    _, cache = forward(name, given, weights, reverse=reverse)
    dlast = np.random.default_rng(8).standard_normal((B, WIDTH))
    dh = np.zeros((B, T, WIDTH))
    dh[:, 0 if reverse else -1] = dlast
    at_place = backward(name, dh, cache)
    at_last = backward(name, np.zeros_like(dh), cache, (dlast, None) if name == "lstm" else (dlast,))
    for a, b in zip(at_place, at_last, strict=True):
        assert (a is None and b is None) or np.array_equal(a, b)


@every_op
def test_reversed_is_forward_on_the_sequence_turned_round(name):
    given, weights = drawn(name)
    dh = np.random.default_rng(9).standard_normal((B, T, WIDTH))
    h, cache = forward(name, given, weights, reverse=True)
    turned, turned_cache = forward(name, [given[0][:, ::-1], *given[1:]], weights)
    assert np.array_equal(h, turned[:, ::-1])
    grads, turned_grads = backward(name, dh, cache), backward(name, dh[:, ::-1], turned_cache)
    np.testing.assert_allclose(grads.dx, turned_grads.dx[:, ::-1], rtol=1e-13)
    np.testing.assert_allclose(grads.dw_h, turned_grads.dw_h, rtol=1e-12)


@every_op
@pytest.mark.parametrize("reverse", [False, True])
def test_a_padded_row_is_the_row_alone_and_holds_its_last_state(name, reverse):
    given, weights = drawn(name)
    lengths = np.array([4, T, 1])
    dh = np.random.default_rng(10).standard_normal((B, T, WIDTH)) * (np.arange(T) < lengths[:, None])[..., None]
    h, cache = forward(name, given, weights, lengths=lengths, reverse=reverse)
    grads = backward(name, dh, cache)
    for row, length in enumerate(lengths):
        short = [given[0][row : row + 1, :length], *(state[row : row + 1] for state in given[1:])]
        alone, alone_cache = forward(name, short, weights, reverse=reverse)
        np.testing.assert_allclose(h[row, :length], alone[0], rtol=1e-13)
        for part, want in zip(cache.last, alone_cache.last, strict=True):
            np.testing.assert_allclose(part[row], want[0], rtol=1e-13)
        held = given[1][row] if reverse else alone[0, -1]
        np.testing.assert_allclose(h[row, length:], np.broadcast_to(held, (T - length, WIDTH)), rtol=1e-13)
        alone_grads = backward(name, dh[row : row + 1, :length], alone_cache)
        np.testing.assert_allclose(grads.dx[row, :length], alone_grads.dx[0], rtol=1e-12, atol=1e-15)
        assert not grads.dx[row, length:].any()


@every_op
def test_what_stands_in_the_padding_changes_nothing(name):
    given, weights = drawn(name)
    lengths = np.array([4, 2, 0])
    other = [np.where((np.arange(T) < lengths[:, None])[..., None], given[0], 1e3), *given[1:]]
    dh = np.random.default_rng(11).standard_normal((B, T, WIDTH))
    results = []
    for arrays in (given, other):
        h, cache = forward(name, arrays, weights, lengths=lengths)
        results.append([h, *(grad for grad in backward(name, dh, cache) if grad is not None)])
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


@every_op
def test_no_steps_leave_the_state_and_pass_its_gradient_through(name):
    given, weights = drawn(name)
    h, cache = forward(name, [given[0][:, :0], *given[1:]], weights)
    assert h.shape == (B, 0, WIDTH)
    assert all(np.array_equal(part, state) for part, state in zip(cache.last, given[1:], strict=True))
    dlast = tuple(np.ones((B, WIDTH)) for _ in given[1:])
    grads = backward(name, h, cache, dlast)
    assert np.array_equal(grads.dh0, dlast[0])
    assert grads.dx.shape == (B, 0, WIDTH_IN) and not grads.dw_h.any() and grads.dw_h.shape == weights["w_h"].shape


@every_op
def test_an_empty_batch_works_both_ways(name):
    given, weights = drawn(name)
    h, cache = forward(name, [array[:0] for array in given], weights)
    assert h.shape == (0, T, WIDTH)
    assert not backward(name, h, cache).dw_x.any()


@every_op
def test_a_second_offset_does_what_the_first_does_unless_the_reset_comes_between(name):
    given, weights = drawn(name)
    joined = {**weights, "b": weights["b"] + weights["b_h"], "b_h": None}
    gap = np.abs(forward(name, given, joined)[0] - forward(name, given, weights)[0]).max()
    assert (gap < 1e-14) == (name != "gru, reset after")


@every_op
def test_clipping_bounds_the_arguments_and_a_wide_limit_changes_nothing(name):
    given, weights = drawn(name)
    plain, _ = forward(name, given, weights)
    assert np.array_equal(forward(name, given, weights, clip=1e3)[0], plain)
    clipped, _ = forward(name, given, weights, clip=1e-9)  # every gate is 1/2 and every tanh 0
    if name == "rnn":
        want = np.zeros(T)
    elif name == "lstm":
        want = 0.5 * np.tanh(given[2][0, 0] * 0.5 ** np.arange(1, T + 1))
    else:
        want = given[1][0, 0] * 0.5 ** np.arange(1, T + 1)
    np.testing.assert_allclose(clipped[0, :, 0], want, atol=1e-8)


@every_op
def test_a_limit_that_is_not_positive_is_refused(name):
    given, weights = drawn(name)
    with pytest.raises(ValueError, match="must be positive, not 0"):
        forward(name, given, weights, clip=0.0)


@every_op
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given, weights: given.__setitem__(0, given[0][..., :3]), "width 3"),
        (lambda given, weights: given.__setitem__(1, given[1][:, :4]), "4"),
        (lambda given, weights: given.__setitem__(1, given[1][:2]), "batch 2"),
        (lambda given, weights: weights.__setitem__("w_h", weights["w_h"][:4]), "5|4"),
    ],
)
def test_what_does_not_fit_is_named(name, change, message):
    given, weights = drawn(name)
    change(given, weights)
    with pytest.raises(ValueError, match=message):
        forward(name, given, weights)


@every_op
@pytest.mark.parametrize("length", [-1, T + 1])
def test_a_length_that_does_not_fit_is_named(name, length):
    given, weights = drawn(name)
    with pytest.raises(ValueError, match=f"length {length} does not fit {T}"):
        forward(name, given, weights, lengths=np.array([1, length, 2]))
