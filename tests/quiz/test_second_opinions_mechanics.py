"""masking-mechanics: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_weight_before():
    for (a, b, _), asked in questions("masking-mechanics/weight-before"):
        agrees(asked, 1 / (1 + math.exp(b - a)))


def test_sum_after():
    for (a, b, c, _), asked in questions("masking-mechanics/sum-after"):
        agrees(asked, 1 - 1 / (1 + math.exp(a - c) + math.exp(b - c)))


def test_kept_by_zero():
    for (a, b, _, _), asked in questions("masking-mechanics/kept-by-zero"):
        agrees(asked, 1 / (1 + math.exp(a) + math.exp(b)))


def test_visible_pairs():
    for (n, pads), asked in questions("masking-mechanics/visible-pairs"):
        agrees(asked, sum(min(i, n - pads) for i in range(1, int(n) + 1)))


def test_blocked_throughout():
    for (n, _), asked in questions("masking-mechanics/blocked-throughout"):
        agrees(asked, 1 / n)
