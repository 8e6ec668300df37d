"""head-diversity-pruning: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_saved():
    for (c, _, d, out), asked in questions("head-diversity-pruning/saved"):
        agrees(asked, 4 * c * d * out)


def test_smaller_maps():
    for (c, _, d, left), asked in questions("head-diversity-pruning/smaller-maps"):
        agrees(asked, (c, left * d))


def test_least_missed():
    for (_, a, b, c, ab, ac, bc), asked in questions("head-diversity-pruning/least-missed"):
        pairs = {a: (ab, ac), b: (ab, bc), c: (ac, bc)}
        agrees(asked, 100 - min(pairs[min(pairs)]))


def test_distance():
    for (a, b, *_), asked in questions("head-diversity-pruning/distance"):
        p = a / 100, b / 100
        agrees(asked, math.log(2) + sum(x * math.log(x) for x in p))
