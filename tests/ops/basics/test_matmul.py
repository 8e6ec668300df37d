"""Products of matrices: every shape that NumPy knows, as sums written out."""

import numpy as np
import pytest

from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.basics.matmul import gemm_backward, gemm_forward, matmul_backward, matmul_forward

RNG = np.random.default_rng(0)
SHAPES = [
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 5)),
    ((3, 4), (4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (6, 4, 5)),
    ((4,), (2, 4, 5)),
    ((2, 3, 4), (4,)),
]


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_both_ways_are_the_sums_over_repeated_indices(a, b):
    a, b = RNG.standard_normal(a), RNG.standard_normal(b)
    y, cache = matmul_forward(a, b)
    np.testing.assert_array_equal(y, np.matmul(a, b))
    dy = RNG.standard_normal(np.shape(y))
    da, db = matmul_backward(dy, cache)
    for x, dx, other in ((a, da, lambda e: e @ b), (b, db, lambda e: a @ e)):
        for index in np.ndindex(x.shape):
            unit = np.zeros_like(x)
            unit[index] = 1.0
            assert dx[index] == pytest.approx((dy * other(unit)).sum(), rel=1e-12, abs=1e-13)


def test_a_linear_layer_is_gemm():
    x, w, b = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 5)), RNG.standard_normal(5)
    y, cache = gemm_forward(x, w, b)
    want, linear_cache = linear_forward(x, w, b)
    np.testing.assert_array_equal(y, want)
    for have, right in zip(gemm_backward(y, cache), linear_backward(y, linear_cache), strict=True):
        np.testing.assert_allclose(have, right, rtol=1e-13)


def test_gemm_scales_the_product_and_the_offset():
    a, b, c = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 5)), RNG.standard_normal((3, 1))
    np.testing.assert_allclose(gemm_forward(a, b, c, 0.5, 2.0)[0], 0.5 * (a @ b) + 2.0 * c, rtol=1e-14)
    np.testing.assert_array_equal(gemm_forward(a, b, c, 0.0)[0], np.broadcast_to(c, (3, 5)))
    assert gemm_backward(np.ones((3, 5)), gemm_forward(a, b)[1])[2] is None


@pytest.mark.parametrize(("a", "b"), [((3, 0), (0, 5)), ((0, 4), (4, 5)), ((2, 3, 0), (0,))])
def test_length_zero_works_both_ways(a, b):
    y, cache = matmul_forward(np.zeros(a), np.zeros(b))
    da, db = matmul_backward(np.ones_like(y), cache)
    assert da.shape == a and db.shape == b and not y.any()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: matmul_forward(np.ones((3, 4)), np.ones((3, 4))), "a has 4 columns but b has 3 rows"),
        (lambda: matmul_forward(np.ones((3, 4)), np.ones(3)), "a has 4 columns but b has 3 rows"),
        (lambda: matmul_forward(np.array(1.0), np.ones(3)), r"not \(\) and \(3,\)"),
        (
            lambda: gemm_forward(np.ones((3, 4)), np.ones((4, 5)), np.ones(3)),
            r"c is \(3,\) but the product is \(3, 5\)",
        ),
        (lambda: gemm_forward(np.ones((3, 4)), np.ones((4, 5)), np.ones((1, 3, 5))), r"c is \(1, 3, 5\)"),
        (lambda: gemm_forward(np.ones((1, 4)), np.ones((4, 5)), np.ones((3, 5))), r"c is \(3, 5\) but .* \(1, 5\)"),
    ],
)
def test_what_does_not_fit_is_named(make, said):
    with pytest.raises(ValueError, match=said):
        make()
