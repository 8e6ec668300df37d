"""BERT's pooler: the first token speaks for the sequence."""

import math

import numpy as np
import pytest

from tfx.ops.feed_forward.pooler import pooler_backward, pooler_forward

RNG = np.random.default_rng(0)


def test_every_number_is_the_formula():
    hidden, w, b = RNG.standard_normal((2, 5, 4)), RNG.standard_normal((4, 3)), RNG.standard_normal(3)
    y, _ = pooler_forward(hidden, w, b)
    for row in range(2):
        for j in range(3):
            z = b[j] + sum(hidden[row, 0, i] * w[i, j] for i in range(4))
            assert y[row, j] == pytest.approx(math.tanh(z), rel=1e-13)


def test_only_the_first_token_is_read_and_only_it_gets_a_gradient():
    hidden, w, b = RNG.standard_normal((2, 5, 4)), RNG.standard_normal((4, 4)), RNG.standard_normal(4)
    y, cache = pooler_forward(hidden, w, b)
    other = np.concatenate([hidden[:, :1], RNG.standard_normal((2, 7, 4))], axis=1)
    assert np.array_equal(pooler_forward(other, w, b)[0], y)
    dhidden = pooler_backward(np.ones((2, 4)), cache).dhidden
    assert dhidden[:, 0].all() and not dhidden[:, 1:].any()


def test_where_tanh_is_flat_nothing_flows_back():
    _, cache = pooler_forward(np.full((1, 1, 1), 50.0), np.ones((1, 1)), np.zeros(1))
    assert pooler_backward(np.ones((1, 1)), cache).dw == 0


@pytest.mark.parametrize(
    ("hidden", "words"),
    [
        (np.ones((2, 0, 4)), r"at least one token, not \(2, 0, 4\)"),
        (np.ones((2, 4)), r"\(batch, length, width\)"),
        (np.ones((2, 5, 3)), "x has width 3 but w expects 4"),
    ],
)
def test_what_does_not_fit_is_named(hidden, words):
    with pytest.raises(ValueError, match=words):
        pooler_forward(hidden, np.ones((4, 4)), np.ones(4))
