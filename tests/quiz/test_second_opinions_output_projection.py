"""output-projection: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_weighed():
    for (_, first, second, w1, w2), asked in questions("output-projection/weighed"):
        agrees(asked, sum(a * b for a, b in ((first, w1), (second, w2))))


def test_shape():
    for (heads, d_v, width), asked in questions("output-projection/shape"):
        agrees(asked, (heads * d_v, width))


def test_reached_without():
    for (heads, d, width, *_), asked in questions("output-projection/reached-without"):
        agrees(asked, width - (heads - 1) * d)


def test_parameters():
    for (width, _), asked in questions("output-projection/parameters"):
        agrees(asked, width**2)


def test_rank():
    for (width, d, *_), asked in questions("output-projection/rank"):
        agrees(asked, min(width, d))
