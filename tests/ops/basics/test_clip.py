"""Clipping to an interval."""

import numpy as np
import pytest

from tfx.ops.basics.clip import clip_backward, clip_forward

X = np.array([-3.0, -2.0, -1.9, 0.0, 1.9, 2.0, 3.0])


def test_what_lies_beyond_the_limit_is_moved_to_it_and_stops_the_gradient():
    y, cache = clip_forward(X, 2.0)
    assert y.tolist() == [-2, -2, -1.9, 0, 1.9, 2, 2]
    assert clip_backward(np.ones(7), cache).tolist() == [0, 1, 1, 1, 1, 1, 0]


def test_without_a_limit_nothing_is_moved():
    y, cache = clip_forward(X, None)
    assert np.array_equal(y, X) and np.array_equal(clip_backward(X, cache), X)


@pytest.mark.parametrize("limit", [0.0, -1.0])
def test_an_interval_without_inside_is_refused(limit):
    with pytest.raises(ValueError, match=f"must be positive, not {limit}"):
        clip_forward(X, limit)
