"""norm-placement: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_pre_by_hand():
    for (a, b, times, gain, offset, eps), asked in questions("norm-placement/pre-by-hand"):
        assert (gain, offset, eps) == (1, 0, 0)
        agrees(asked, a + times * math.copysign(1, a - b))


def test_fall_of_gradient():
    for (few, gradient, more), asked in questions("norm-placement/fall-of-gradient"):
        agrees(asked, math.exp(math.log(gradient) - (math.log(more) - math.log(few)) / 2))


def test_norms():
    for (blocks,), asked in questions("norm-placement/norms"):
        agrees(asked, len([*range(int(blocks)), *range(int(blocks)), "final"]))


def test_size_of_third_form():
    """The mean square, block by block."""
    for (size, gain, offset, blocks), asked in questions("norm-placement/size-of-third-form"):
        assert (size, gain, offset) == (1, 1, 0)
        square = 1.0
        for _ in range(2 * int(blocks)):
            square += 1.0
        agrees(asked, square**0.5)
