"""encode-decode-walkthrough: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_memory_shape():
    for (c, s, _), asked in questions("encode-decode-walkthrough/memory"):
        agrees(asked, (s, c))


def test_numbers_of_maps():
    """The square of both sequences, less the block that nobody reads."""
    for (s, t), asked in questions("encode-decode-walkthrough/maps"):
        agrees(asked, (s + t) ** 2 - s * t)


def test_rows_run():
    for (t,), asked in questions("encode-decode-walkthrough/rows"):
        agrees(asked, sum(range(1, int(t) + 1)))
