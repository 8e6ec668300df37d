"""What a last token reads of a place."""

import math

import numpy as np
import pytest

from tfx.lab.cost.needle import needle_weight, read_by_place


def test_a_needle_among_equal_keys():
    assert needle_weight(100, 3.0) == pytest.approx(math.exp(3) / (math.exp(3) + 99))


def test_even_attention_in_one_layer_is_even_and_in_two_favours_the_start():
    assert read_by_place(5, 0.0, 1) == pytest.approx(np.full(5, 0.2))
    assert read_by_place(5, 0.0, 2) == pytest.approx([sum(1 / i for i in range(j, 6)) / 5 for j in range(1, 6)])
    near = read_by_place(5, 1.0, 1)
    assert near[-1] == pytest.approx(1 / sum(math.exp(-d) for d in range(5))) and near.sum() == pytest.approx(1)
