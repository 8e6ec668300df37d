"""Gates whose argument is limited."""

import numpy as np
import pytest

from tfx.ops.feed_forward.sigmoid import sigmoid_forward, tanh_forward
from tfx.ops.recurrence.clipped_activation import clipped_activation_backward, clipped_activation_forward

Z = np.array([-3.0, -0.5, 0.0, 0.5, 3.0])


@pytest.mark.parametrize(("name", "forward"), [("sigmoid", sigmoid_forward), ("tanh", tanh_forward)])
def test_without_a_limit_it_is_the_activation_itself(name, forward):
    assert np.array_equal(clipped_activation_forward(Z, name)[0], forward(Z)[0])


def test_beyond_the_limit_nothing_moves_and_nothing_is_learned():
    y, cache = clipped_activation_forward(Z, "sigmoid", 1.0)
    assert np.array_equal(y, sigmoid_forward(np.clip(Z, -1, 1))[0])
    dz = clipped_activation_backward(np.ones_like(Z), cache)
    assert np.array_equal(dz != 0, [False, True, True, True, False])
