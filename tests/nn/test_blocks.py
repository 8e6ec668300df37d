"""Up through blocks with what each is given, and down again with what each kept."""

import numpy as np
import pytest

from tfx.nn.through_blocks import backward_through, forward_through


class Scale:
    """y = x * factor * given."""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, x, given=1.0):
        return x * self.factor * given, (self.factor, given)

    def backward(self, dy, cache):
        assert cache[0] == self.factor, "this cache is another block's"
        return dy * cache[0] * cache[1]


BLOCKS = [Scale(2.0), Scale(3.0), Scale(5.0)]


def test_each_block_reads_the_one_below_and_gets_its_own_arguments_and_its_own_cache():
    y, caches = forward_through(BLOCKS, np.ones(2), ((given,) for given in (1.0, 10.0, 100.0)))
    assert y.tolist() == [30_000.0] * 2 and caches == ((2, 1), (3, 10), (5, 100))
    assert backward_through(BLOCKS, np.ones(2), caches).tolist() == [30_000.0] * 2


def test_no_blocks_change_nothing():
    x = np.ones(2)
    assert forward_through([], x, []) == (x, ())
    assert backward_through([], x, ()) is x


@pytest.mark.parametrize("given", [[()], [()] * 4])
def test_arguments_for_another_number_of_blocks_are_refused(given):
    with pytest.raises(ValueError, match="zip"):
        forward_through(BLOCKS, np.ones(2), given)
