"""The class token: one learned vector before every sequence."""

import numpy as np
import pytest

from tfx.ops.basics.class_token import class_token_backward, class_token_forward

RNG = np.random.default_rng(0)


def test_the_token_stands_first_in_every_sequence_and_the_rest_moves_up():
    x, token = RNG.standard_normal((2, 5, 4)), RNG.standard_normal(4)
    y, _ = class_token_forward(x, token)
    assert y.shape == (2, 6, 4)
    assert np.array_equal(y[0, 0], token) and np.array_equal(y[1, 0], token)
    assert np.array_equal(y[:, 1:], x)


def test_its_gradient_is_the_sum_over_the_batch_of_the_first_rows_and_no_other():
    _, cache = class_token_forward(np.zeros((3, 5, 4)), np.zeros(4))
    dy = RNG.standard_normal((3, 6, 4))
    dx, dtoken = class_token_backward(dy, cache)
    assert np.array_equal(dx, dy[:, 1:])
    np.testing.assert_allclose(dtoken, dy[0, 0] + dy[1, 0] + dy[2, 0], rtol=1e-14)


def test_it_can_stand_alone():
    y, cache = class_token_forward(np.zeros((2, 0, 4)), np.ones(4))
    dx, dtoken = class_token_backward(y, cache)
    assert y.shape == (2, 1, 4) and dx.shape == (2, 0, 4) and np.array_equal(dtoken, [2, 2, 2, 2])


def test_widths_that_differ_are_named():
    with pytest.raises(ValueError, match=r"x has width 4 but the class token is \(3,\)"):
        class_token_forward(np.ones((2, 5, 4)), np.ones(3))
