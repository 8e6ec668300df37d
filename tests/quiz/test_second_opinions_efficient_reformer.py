"""efficient-reformer: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_bucket():
    for (a, b, c, *_), asked in questions("efficient-reformer/bucket"):
        six = [a, b, c, -a, -b, -c]
        agrees(asked, six.index(max(six)) + 1)


def test_scores():
    for (t, chunk, rounds, *_), asked in questions("efficient-reformer/scores"):
        agrees(asked, sum(2 * chunk for _ in range(int(t)) for _ in range(int(rounds))))


def test_undone():
    for (a, b, y1, y2), asked in questions("efficient-reformer/undone"):
        x2 = y2 - b * y1
        agrees(asked, y1 - a * x2)


def test_several_rounds():
    for (percent, rounds), asked in questions("efficient-reformer/several-rounds"):
        found = 0.0
        for _ in range(int(rounds)):
            found += (1 - found) * percent / 100
        agrees(asked, 100 * found)
