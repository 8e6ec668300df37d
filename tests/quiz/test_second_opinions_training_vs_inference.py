"""training-vs-inference: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_chain():
    for (blocks, each, _, n, _), asked in questions("training-vs-inference/chain"):
        agrees(asked, n * (each * blocks + 1))


def test_right_at_the_end():
    for (per_cent, n), asked in questions("training-vs-inference/right-at-the-end"):
        agrees(asked, 100 * (1 - per_cent / 100) ** n)


def test_places_moved():
    for (t, at, _), asked in questions("training-vs-inference/places-moved"):
        agrees(asked, t - at + 1)


def test_newest_scores():
    for (b, t, heads), asked in questions("training-vs-inference/newest-scores"):
        agrees(asked, (b, heads, 1, t + 1))
