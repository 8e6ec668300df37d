from __future__ import annotations

import numpy as np
import pytest

from tfx.measure.attention_rollout import attention_rollout
from tfx.ops.basics.softmax import softmax_forward


def test_rows_sum_to_one_and_even_layers_come_near_even_rows():
    rng = np.random.default_rng(0)
    mixed = attention_rollout([softmax_forward(rng.standard_normal((5, 5)))[0] for _ in range(3)])
    assert mixed.sum(axis=1) == pytest.approx(np.ones(5)) and (mixed > 0).all()
    even = attention_rollout([np.full((4, 4), 0.25)] * 30)
    assert even == pytest.approx(np.full((4, 4), 0.25), abs=1e-8)


def test_two_layers_by_hand():
    """Token 2 reads token 1 in the first layer, and token 3 reads token 2 in the second."""
    first = np.array([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]])
    second = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0]])
    assert attention_rollout([first, second])[2] == pytest.approx([0.25, 0.25, 0.5])
    assert attention_rollout([second, first])[2] == pytest.approx([0, 0.5, 0.5])


def test_layers_of_other_shapes_are_refused():
    for layers in ([], [np.eye(2), np.eye(3)], [np.ones((2, 3))], [np.ones(3)]):
        with pytest.raises(ValueError, match="one shape"):
            attention_rollout(layers)
