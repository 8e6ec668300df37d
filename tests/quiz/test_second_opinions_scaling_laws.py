"""scaling-laws: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

import numpy as np

from tests.quiz.second_opinions import agrees, questions


def test_larger():
    for (loss, floor, power, times), asked in questions("scaling-laws/larger"):
        agrees(asked, floor + (loss - floor) * math.exp(-abs(power) * math.log(times)))


def test_power():
    for (first, factor, second), asked in questions("scaling-laws/power"):
        alpha = -np.polyfit(np.log([1, factor]), np.log([first, second]), 1)[0]
        agrees(asked, float(alpha))


def test_work():
    for (size, each), asked in questions("scaling-laws/work"):
        agrees(asked, 2 * size * each * size + 4 * size * each * size)


def test_best_size():
    """At the best split alpha a / size^alpha = beta b / tokens^beta, so size^alpha and tokens^beta grow alike."""
    for numbers, asked in questions("scaling-laws/best-size"):
        alpha, beta, times = numbers[0], numbers[1], numbers[-1]
        size = math.exp(math.log(times) / (1 + alpha / beta))
        tokens = times / size
        assert math.isclose(size**alpha, tokens**beta)
        agrees(asked, size)


def test_whole_answers():
    for (percent, n), asked in questions("scaling-laws/whole-answers"):
        agrees(asked, 100 * math.prod([percent / 100] * int(n)))
