"""Sums as products with ones: the same numbers as NumPy's own sums."""

import numpy as np
import pytest

from tfx.ops.basics.sums import column_sums, row_means, row_sums


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 7), (2, 0, 5), (4, 1)])
def test_they_are_the_sums_of_numpy_in_the_same_dtype(shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    close = 10 * np.finfo(dtype).eps
    for have, want in (
        (row_sums(x), x.sum(axis=-1, keepdims=True)),
        (row_means(x), x.mean(axis=-1, keepdims=True)),
        (column_sums(x), x.sum(axis=tuple(range(x.ndim - 1)))),
    ):
        assert have.shape == want.shape and have.dtype == dtype
        np.testing.assert_allclose(have, want, rtol=0, atol=close * x.size)


def test_views_with_strides_are_summed_as_they_look():
    x = np.random.default_rng(0).standard_normal((4, 6, 5)).swapaxes(0, 2)[::2, ::-1]
    np.testing.assert_allclose(row_sums(x), x.sum(axis=-1, keepdims=True), atol=1e-14)
    np.testing.assert_allclose(column_sums(x), x.sum(axis=(0, 1)), atol=1e-14)


def test_a_mean_in_half_precision_does_not_overflow_on_the_way():
    x = np.full((2, 1000), 300, dtype=np.float16)
    assert row_means(x).dtype == np.float16 and row_means(x).shape == (2, 1) and (row_means(x) == 300).all()


def test_one_bad_row_spoils_its_own_sum_only():
    x = np.ones((3, 4))
    x[1, 2] = np.nan
    assert np.isnan(row_sums(x)[:, 0]).tolist() == [False, True, False]
    assert np.isnan(column_sums(x)).tolist() == [False, False, True, False]
