"""complexity: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_crossing():
    for (c, _, inner), asked in questions("complexity/crossing"):
        t = next(t for t in range(1, 20_000) if 2 * t * t * c >= 4 * t * c * c + 2 * t * c * inner)
        agrees(asked, t)


def test_doubling():
    def layer(t, c):
        return 4 * t * c * c + t * c * t + t * t * c

    for (c, t), asked in questions("complexity/doubling"):
        agrees(asked, layer(2 * t, c) / layer(t, c))


def test_stored():
    for (b, t, _, heads, *_), asked in questions("complexity/stored"):
        agrees(asked, sum(4 * t * t for _ in range(int(b * heads))))


def test_against_rnn():
    for (t, c), asked in questions("complexity/against-rnn"):
        agrees(asked, (t * t * c + t * t * c) / sum(c * c + c * c for _ in range(int(t))))


def test_layers_of_a_cnn():
    for (kernel, _, t, *_), asked in questions("complexity/layers-of-a-cnn"):
        reached, depth = 1, 0
        while reached < t:
            reached, depth = reached + (kernel - 1) // 2, depth + 1
        agrees(asked, depth)
