"""training-teacher-forcing: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_inputs_seen():
    for (_, k), asked in questions("training-teacher-forcing/inputs-seen"):
        agrees(asked, len(["<start>", *range(int(k))]))


def test_losses():
    for (a, b, c), asked in questions("training-teacher-forcing/losses"):
        agrees(asked, a + 1 + b + 1 + c + 1)


def test_prefixes():
    for (n, _), asked in questions("training-teacher-forcing/prefixes"):
        agrees(asked, sum(range(1, int(n) + 1)) / n)


def test_in_a_row():
    for (blocks, six, one, n), asked in questions("training-teacher-forcing/in-a-row", seeds=20):
        agrees(asked, n * (six * blocks + one))


def test_mistakes():
    for (right, n), asked in questions("training-teacher-forcing/mistakes"):
        agrees(asked, math.exp(n * math.log(right)))
