"""data-strategies: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_lost_not():
    for (_, rate, copies), asked in questions("data-strategies/lost-not"):
        agrees(asked, copies - copies * (1 - rate))


def test_pairs():
    for (first, percent, last, rest, again), asked in questions("data-strategies/pairs"):
        assert last == again and percent + rest == 100
        agrees(asked, (percent * first * first + rest * last * last) / (100 * last * last))


def test_length():
    for (first, steps, last, step), asked in questions("data-strategies/length"):
        agrees(asked, first + (last - first) / (steps - 1) * (step - 1))


def test_let_in():
    for numbers, asked in questions("data-strategies/let-in"):
        n, step = numbers[-2:]
        total = next(x for x in numbers[::-1][2:] if x >= 1000)
        first = next(x for x in numbers if 0 < x < 1)
        agrees(asked, n * math.sqrt(first**2 + (1 - first**2) * step / total))


def test_shape():
    for (b, t, _), asked in questions("data-strategies/shape"):
        agrees(asked, (b, t))
