"""The number of threads of a matrix product: set inside, given back after, also when something fails."""

import pytest
from threadpoolctl import ThreadpoolController

from tfx.blas_threads import blas_threads


def threads_now():
    return [each["num_threads"] for each in ThreadpoolController().select(user_api="blas").info()]


@pytest.mark.parametrize("n", [1, 2])
def test_inside_a_product_uses_that_many_threads(n):
    with blas_threads(n) as threads:
        assert threads == max(threads_now(), default=None)
        assert threads in (n, None)


def test_the_old_number_comes_back_also_after_an_error():
    before = threads_now()

    def fails_inside():
        with blas_threads(1):
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fails_inside()
    assert threads_now() == before
