"""positional-rope: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import cmath
import math

from tests.quiz.second_opinions import agrees, questions


def test_turned_pair():
    for (x, y, m, first, _), asked in questions("positional-rope/turned-pair"):
        assert first == 0
        agrees(asked, (complex(x, y) * cmath.exp(1j * m)).real)


def test_score_elsewhere():
    for (m, n, first, score, m2, n2), asked in questions("positional-rope/score-elsewhere"):
        assert first == 0 and m2 - n2 == m - n
        agrees(asked, score)


def test_angle_between():
    for (one, zero, _, m, n, _), asked in questions("positional-rope/angle-between"):
        assert (one, zero) == (1, 0)
        agrees(asked, math.cos(abs(n - m)))


def test_interpolated():
    for (trained, longer, speed, place, _), asked in questions("positional-rope/interpolated"):
        agrees(asked, place * speed * trained / longer)


def test_turned_numbers():
    for (heads, width, tokens, *_), asked in questions("positional-rope/turned-numbers"):
        agrees(asked, heads * tokens * (width + width))
