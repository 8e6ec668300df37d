"""Layers that put positions into the numbers."""

import numpy as np
import pytest

from tfx.nn.positions import KINDS, ConcatPositions, Positions
from tfx.ops.positions.positions import sinusoidal_positions

X = np.random.default_rng(0).standard_normal((2, 5, 6))


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("kind", KINDS)
def test_starting_later_goes_on_where_the_first_piece_ended(kind):
    layer = Positions(kind, 9, 6, rng(), "float64")
    whole, _ = layer.forward(X)
    np.testing.assert_array_equal(layer.forward(X[:, 3:], start=3)[0], whole[:, 3:])


def test_frequencies_start_as_the_sinusoids_and_have_no_longest_length():
    layer = Positions("frequencies", 3, 6, rng(), "float64")
    np.testing.assert_allclose(
        layer.forward(X)[0] - X, np.broadcast_to(sinusoidal_positions(5, 6), X.shape), atol=1e-14
    )
    assert layer.parameters()["speeds"].shape == (3,)


def test_frequencies_learn_how_fast_the_target_turns():
    """Gradient descent on the distance to a table that turns at other speeds."""
    want = Positions("frequencies", 0, 4, rng(), "float64")
    want.speeds.value = np.array([0.9, 0.05])
    layer = Positions("frequencies", 0, 4, rng(), "float64")
    zero = np.zeros((1, 5, 4))
    for _ in range(400):
        y, cache = layer.forward(zero)
        layer.zero_grad()
        layer.backward(y - want.forward(zero)[0], cache)
        layer.speeds.value -= 0.02 * layer.speeds.grad
    np.testing.assert_allclose(layer.speeds.value, [0.9, 0.05], atol=1e-6)


@pytest.mark.parametrize("kind", ["sinusoidal", "learned"])
def test_positions_beside_the_token_leave_it_as_it_is(kind):
    layer = ConcatPositions(kind, 9, 4, rng(), "float64")
    y, cache = layer.forward(X, start=2)
    assert y.shape == (2, 5, 10) and np.array_equal(y[..., :6], X)
    rows = sinusoidal_positions(5, 4, start=2) if kind == "sinusoidal" else layer.table.value[2:7]
    np.testing.assert_array_equal(y[..., 6:], np.broadcast_to(rows, (2, 5, 4)))
    assert np.array_equal(layer.backward(y, cache), X)
    assert list(layer.parameters()) == (["table"] if kind == "learned" else [])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Positions("frequencies", 9, 7, rng()), "width 7 is odd"),
        (lambda: ConcatPositions("none", 9, 7, rng()), "sinusoidal or learned, not 'none'"),
        (lambda: ConcatPositions("learned", 4, 7, rng()).forward(X), "the table has 4 rows"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
