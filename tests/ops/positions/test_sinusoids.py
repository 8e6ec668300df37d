"""Sinusoids with any speeds and positions."""

import math

import numpy as np
import pytest

from tfx.ops.positions.sinusoids import angular_speeds, sinusoids_backward, sinusoids_forward


@pytest.mark.parametrize("width", [1, 2, 7, 8])
def test_speeds_are_the_formula(width):
    want = [10000 ** (-2 * i / width) for i in range(math.ceil(width / 2))]
    np.testing.assert_allclose(angular_speeds(width), want, rtol=1e-14)


def test_with_base_1_all_hands_turn_alike():
    assert angular_speeds(6, base=1.0).tolist() == [1, 1, 1]


def test_every_entry_is_the_formula():
    positions, speeds = np.array([0.0, 2.5, -7.0]), np.array([1.0, 0.3])
    table, _ = sinusoids_forward(positions, speeds)
    for n, p in enumerate(positions):
        for i, w in enumerate(speeds):
            assert table[n, 2 * i] == pytest.approx(math.sin(p * w), abs=1e-15)
            assert table[n, 2 * i + 1] == pytest.approx(math.cos(p * w), abs=1e-15)


def test_the_speed_of_a_hand_is_pulled_by_far_places_and_not_by_place_0():
    dy = np.zeros((5, 2))
    for place in range(5):
        dy[...] = 0
        dy[place, 0] = 1.0
        _, cache = sinusoids_forward(np.arange(5.0), np.array([0.4]))
        assert sinusoids_backward(dy, cache)[0] == pytest.approx(place * math.cos(0.4 * place), abs=1e-15)


def test_no_positions_and_no_gradient():
    table, cache = sinusoids_forward(np.zeros(0), np.ones(3))
    assert table.shape == (0, 6) and not sinusoids_backward(table, cache).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: angular_speeds(0), "width >= 1"),
        (lambda: angular_speeds(4, base=0.0), "base > 0"),
        (lambda: sinusoids_forward(np.ones((2, 3)), np.ones(3)), "one axis"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
