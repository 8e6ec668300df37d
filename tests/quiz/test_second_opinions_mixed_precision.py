"""mixed-precision: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
import re

from tests.quiz.second_opinions import agrees, questions


def test_becomes_zero():
    for _, asked in questions("mixed-precision/becomes-zero"):
        shown = re.search(r"from 10\^(-?\d+) to 10\^(-?\d+)\. With loss scaling by (\d+) ", asked.prompt)
        assert shown
        low, high, scale = map(float, shown.groups())
        agrees(asked, (math.log10(2**-25 / scale) - low) / (high - low))


def test_largest_scale():
    for (largest, limit, *_), asked in questions("mixed-precision/largest-scale"):
        scale = 1
        while 2 * scale * largest <= limit:
            scale *= 2
        agrees(asked, scale)


def test_dynamic():
    for (first, every, overflows, good), asked in questions("mixed-precision/dynamic"):
        agrees(asked, first / 2**overflows * 2 ** (good / every))


def test_small_update():
    for (weight, digits, update), asked in questions("mixed-precision/small-update"):
        assert digits == 7
        steps = update / (weight / 2**7)
        nearest = math.floor(steps + 0.5) if steps % 1 != 0.5 else 2 * round(steps / 2)
        agrees(asked, weight + nearest * weight / 2**7)


def test_bytes():
    for numbers, asked in questions("mixed-precision/bytes"):
        agrees(asked, numbers[0] * (2 + 2 + 4 + 4 * numbers[-1]))
