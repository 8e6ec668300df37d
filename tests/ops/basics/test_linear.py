"""Linear maps: one product, whatever the leading axes."""

import numpy as np
import pytest

from tfx.ops.basics.linear import linear_backward, linear_forward

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("lead", [(), (5,), (2, 5), (2, 3, 4)])
def test_every_leading_axis_is_a_batch(lead):
    x, w, b = RNG.standard_normal((*lead, 4)), RNG.standard_normal((4, 3)), RNG.standard_normal(3)
    y, _ = linear_forward(x, w, b)
    rows = np.array([[sum(row[i] * w[i, j] for i in range(4)) + b[j] for j in range(3)] for row in x.reshape(-1, 4)])
    np.testing.assert_allclose(y, rows.reshape(*lead, 3), rtol=1e-12)


def test_the_backward_is_the_adjoint_of_the_forward():
    x, w, dy = RNG.standard_normal((2, 5, 4)), RNG.standard_normal((4, 3)), RNG.standard_normal((2, 5, 3))
    y, cache = linear_forward(x, w)
    dx, dw, db = linear_backward(dy, cache)
    assert db is None
    assert (dx * x).sum() == pytest.approx((dy * y).sum(), rel=1e-13)
    assert (dw * w).sum() == pytest.approx((dy * y).sum(), rel=1e-13)


def test_no_rows_give_a_weight_gradient_of_zero():
    y, cache = linear_forward(np.zeros((2, 0, 4)), np.ones((4, 3)), np.ones(3))
    dx, dw, db = linear_backward(np.zeros((2, 0, 3)), cache)
    assert y.shape == (2, 0, 3) and dx.shape == (2, 0, 4)
    assert np.array_equal(dw, np.zeros((4, 3))) and np.array_equal(db, np.zeros(3))


def test_widths_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="x has width 5 but w expects 4"):
        linear_forward(np.ones((2, 5)), np.ones((4, 3)))
