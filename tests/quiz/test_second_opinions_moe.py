"""moe: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_stored():
    for (n, c, f, _), asked in questions("moe/stored"):
        agrees(asked, sum(c * f + f * c + c for _ in range(int(n))))


def test_met():
    for (n, c, f, k), asked in questions("moe/met"):
        agrees(asked, k * (c * f + f * c) + n * c)


def test_gate():
    for scores, asked in questions("moe/gate"):
        second, first = sorted(scores)[-2:]
        agrees(asked, 1 / (1 + math.exp(second - first)))


def test_dropped():
    for (tokens, n, *load, factor), asked in questions("moe/dropped"):
        assert sum(load) == tokens
        places = math.ceil(factor * tokens / n)
        agrees(asked, sum(max(0, one - places) for one in load))


def test_balance():
    for (n, *rest), asked in questions("moe/balance"):
        share, mean = rest[: int(n)], rest[int(n) : 2 * int(n)]
        assert math.isclose(sum(share), 1) and math.isclose(sum(mean), 1)
        agrees(asked, n * sum(a * b for a, b in zip(share, mean, strict=True)))
