"""attention-collapse: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_what_is_left():
    for (_, a, b), asked in questions("attention-collapse/what-is-left"):
        agrees(asked, abs(a - b) / math.sqrt(2 * (a * a + b * b)))


def test_layers_needed():
    for (start, limit), asked in questions("attention-collapse/layers-needed"):
        agrees(asked, next(n for n in range(1, 20) if start ** (2**n) < limit))


def test_largest_score():
    for (d, *_), asked in questions("attention-collapse/largest-score"):
        agrees(asked, math.sqrt(d))


def test_share_of_entropy():
    for (keys, some, _), asked in questions("attention-collapse/share-of-entropy"):
        agrees(asked, math.log(some, keys))
