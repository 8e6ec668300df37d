"""future-directions: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_packed():
    for (rows, columns), asked in questions("future-directions/packed"):
        agrees(asked, rows * columns / 2)


def test_long_text():
    for (*_, state, tokens), asked in questions("future-directions/long-text"):
        agrees(asked, 2 * tokens / state)


def test_experts():
    for (n, k, _), asked in questions("future-directions/experts"):
        agrees(asked, 100 * k / n)
