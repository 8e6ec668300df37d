"""positional-learned: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_parameters():
    for (rows, width, _), asked in questions("positional-learned/parameters"):
        agrees(asked, rows * width)


def test_gradient():
    for numbers, asked in questions("positional-learned/gradient"):
        agrees(asked, sum(numbers))


def test_trained_rows():
    for (a, b, c, rows), asked in questions("positional-learned/trained-rows"):
        agrees(asked, len([row for row in range(int(rows)) if row < a or row < b or row < c]))


def test_gradient_shape():
    for (rows, width, *_), asked in questions("positional-learned/gradient-shape"):
        agrees(asked, (rows, width))
