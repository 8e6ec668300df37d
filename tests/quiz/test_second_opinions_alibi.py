"""positional-alibi: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_slope():
    for (heads, head, first), asked in questions("positional-alibi/slope"):
        assert first == 1
        agrees(asked, math.prod([0.5 ** (8 / heads)] * int(head)))


def test_biased_score():
    for (slope, i, j, first, score), asked in questions("positional-alibi/biased-score"):
        assert first == 0 and j < i
        agrees(asked, score - sum(slope for _ in range(int(j), int(i))))


def test_ratio():
    for (slope, near, far), asked in questions("positional-alibi/ratio"):
        agrees(asked, math.exp(-slope * near) / math.exp(-slope * far))


def test_needed():
    for (slope, distance), asked in questions("positional-alibi/needed"):
        agrees(asked, slope * distance)


def test_added_at_three():
    for (_, x, base, pos, first), asked in questions("positional-alibi/added-at-three"):
        assert (base, first) == (10000, 0)
        agrees(asked, x + math.sin(pos))
