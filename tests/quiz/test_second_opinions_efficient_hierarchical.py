"""efficient-hierarchical: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_pooled_block():
    def block(t, c):
        return t * t * c + t * t * c + 4 * t * c * c + t * c * 4 * c + t * 4 * c * c

    for (c, _, t, _, short), asked in questions("efficient-hierarchical/pooled-block"):
        agrees(asked, 100 * block(short, c) / block(t, c))


def test_leaves_the_funnel():
    for (b, t, c, stages, _), asked in questions("efficient-hierarchical/leaves-the-funnel"):
        for _ in range(1, int(stages)):
            t = t / 2
        agrees(asked, (b, t, c))


def test_scores_in_windows():
    for (side, _, m, _), asked in questions("efficient-hierarchical/scores-in-windows"):
        windows = (side / m) ** 2
        agrees(asked, windows * (m * m) ** 2)


def test_reduced_keys():
    for (side, _, r, _), asked in questions("efficient-hierarchical/reduced-keys"):
        keys = sum(1 for _ in range(0, int(side), int(r)) for _ in range(0, int(side), int(r)))
        agrees(asked, side * side * keys)


def test_depthwise():
    for (c, kernel), asked in questions("efficient-hierarchical/depthwise"):
        agrees(asked, sum(kernel + 1 for _ in range(int(c))))
