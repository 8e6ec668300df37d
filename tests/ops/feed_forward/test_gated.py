"""Gated linear units: each by its formula, and where the halves lie."""

import math

import numpy as np
import pytest

from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.gated import GATES, glu_backward, glu_forward, split_glu_backward, split_glu_forward
from tfx.ops.feed_forward.sigmoid import sigmoid_forward

RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((2, 5, 6)), RNG.standard_normal((2, 5, 6))

FORMULAS = {
    "glu": lambda a: 1 / (1 + math.exp(-a)),
    "bilinear": lambda a: a,
    "reglu": lambda a: max(a, 0.0),
    "geglu": lambda a: a * 0.5 * math.erfc(-a / math.sqrt(2)),
    "geglu_tanh": lambda a: a * 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3))),
    "swiglu": lambda a: a / (1 + math.exp(-a)),
}


@pytest.mark.parametrize("gate", GATES)
def test_it_is_its_formula(gate):
    y, _ = glu_forward(A, B, GATES[gate])
    np.testing.assert_allclose(y, np.vectorize(FORMULAS[gate])(A) * B, rtol=1e-13)


def test_the_bilinear_unit_knows_no_gate_from_value():
    np.testing.assert_array_equal(glu_forward(A, B, "identity")[0], glu_forward(B, A, "identity")[0])


def test_swiglu_takes_the_beta_of_swish():
    np.testing.assert_allclose(glu_forward(A, B, "silu", beta=0.0)[0], A / 2 * B, rtol=1e-15)


def test_an_open_gate_lets_the_gradient_pass_however_large_the_value_is():
    _, cache = glu_forward(np.full(3, 50.0), np.array([1.0, 1e6, -1e6]))
    da, db = glu_backward(np.ones(3), cache)
    np.testing.assert_allclose(db, 1, rtol=1e-15)
    assert (np.abs(da) < 1e-9).all()


def test_the_second_half_is_the_gate_unless_the_first_is_asked_for():
    x = np.concatenate([A, B], axis=-1)
    np.testing.assert_array_equal(split_glu_forward(x)[0], A * sigmoid_forward(B)[0])
    np.testing.assert_array_equal(split_glu_forward(x, gate_first=True)[0], sigmoid_forward(A)[0] * B)


def test_any_axis_is_the_last_axis_moved():
    x, dy = RNG.standard_normal((4, 3, 5)), RNG.standard_normal((2, 3, 5))
    y, cache = split_glu_forward(x, axis=0, activation="gelu")
    moved, moved_cache = split_glu_forward(np.moveaxis(x, 0, -1), activation="gelu")
    np.testing.assert_array_equal(np.moveaxis(moved, -1, 0), y)
    back = split_glu_backward(np.moveaxis(dy, 0, -1), moved_cache)
    np.testing.assert_array_equal(np.moveaxis(back, -1, 0), split_glu_backward(dy, cache))


@pytest.mark.parametrize("gate", GATES)
def test_length_zero_works_both_ways(gate):
    y, cache = split_glu_forward(np.zeros((2, 0, 6)), activation=GATES[gate])
    assert y.shape == (2, 0, 3) and split_glu_backward(y, cache).shape == (2, 0, 6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: glu_forward(A, B[:1]), r"gate has shape \(2, 5, 6\) but the value \(1, 5, 6\)"),
        (lambda: glu_forward(A, B, "swiglu"), 'one of relu, .* not "swiglu"'),
        (lambda: split_glu_forward(A, axis=1), r"axis 1 of \(2, 5, 6\) cannot be cut"),
        (lambda: split_glu_forward(np.array(1.0)), "cannot be cut"),
    ],
)
def test_what_does_not_fit_is_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_every_gate_has_an_activation():
    assert set(GATES.values()) <= set(ACTIVATIONS)
