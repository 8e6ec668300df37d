"""A softmax in blocks is the softmax, whatever the blocks; and what travels."""

import numpy as np
import pytest

from tfx.lab.cost.online_softmax import moved_in_tiles, online_softmax
from tfx.ops.basics.softmax import softmax_forward


@pytest.mark.parametrize("block", [1, 3, 7, 20])
def test_in_blocks_of_any_size_the_last_state_is_the_whole_row(block):
    rng = np.random.default_rng(block)
    scores, v = 300 * rng.standard_normal(17), rng.standard_normal((17, 3))
    *_, last = online_softmax(scores, v, block)
    assert last.top == scores.max() and last.total == pytest.approx(np.exp(scores - scores.max()).sum())
    assert last.weighted / last.total == pytest.approx(softmax_forward(scores)[0] @ v)


def test_a_short_last_tile_reads_all_keys_as_well():
    assert moved_in_tiles(10, 3, 4) == 2 * 30 + 2 * 30 * 3
