"""Mixers: waves are those of FNet, and what a fixed pick finds is what it points at."""

import numpy as np
import pytest

from tfx.efficient.fourier_mixing import fourier_mixing_forward
from tfx.lab.cost.mixers import fourier_weights, looked_up, mixers, rows_moved


def test_waves_are_those_of_a_transform_of_one_feature():
    x = np.random.default_rng(0).standard_normal((7, 1))
    assert fourier_weights(7) @ x == pytest.approx(fourier_mixing_forward(x)[0])


def test_rows_that_move():
    ways = mixers(5, 3, np.random.default_rng(1))
    x = np.random.default_rng(2).standard_normal((5, 3))
    assert [rows_moved(way, x, 2) for way in ways.values()] == [5, 1, 0, 0]
    assert all(weights.shape == (5, 5) for weights in (way(x) for way in ways.values()))


def test_a_pick_of_the_first_place_is_right_when_the_asked_key_stands_there():
    def first(order, asked):
        return np.eye(len(order))[0]

    rng, right = np.random.default_rng(3), 0
    for _ in range(200):
        order, _, asked = rng.permutation(4), rng.permutation(4), int(rng.integers(4))
        right += order[0] == asked
    assert looked_up(first, 4, 200, np.random.default_rng(3)) == right / 200
