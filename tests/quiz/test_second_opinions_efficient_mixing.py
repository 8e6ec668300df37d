"""efficient-mixing: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_third_place():
    for (a, b, c, d, *_), asked in questions("efficient-mixing/third-place"):
        agrees(asked, (a + c) - (b + d))


def test_share_of_work():
    for (t, *_), asked in questions("efficient-mixing/share-of-work"):
        halvings, left = 0, t
        while left > 1:
            halvings, left = halvings + 1, left / 2
        agrees(asked, 100 * halvings / t)


def test_dense_parameters():
    for (d, f, t), asked in questions("efficient-mixing/dense-parameters"):
        agrees(asked, (d + 1) * f + (f + 1) * t)


def test_rows_that_change():
    for (_, k), asked in questions("efficient-mixing/rows-that-change"):
        agrees(asked, k)
