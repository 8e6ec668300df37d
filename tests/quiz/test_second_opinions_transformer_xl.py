"""transformer-xl: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_farthest():
    for (layers, m, _), asked in questions("transformer-xl/farthest"):
        place = 0
        for _ in range(int(layers)):
            place -= m
        agrees(asked, -place)


def test_pairs():
    for (t, m), asked in questions("transformer-xl/pairs"):
        agrees(asked, sum(m + place for place in range(1, int(t) + 1)))


def test_slots():
    for (t, rate, n, _), asked in questions("transformer-xl/slots"):
        agrees(asked, sum(t / rate for _ in range(int(n) - 1)))


def test_squeezed_reach():
    for (layers, m, k, rate), asked in questions("transformer-xl/squeezed-reach"):
        agrees(asked, layers * m + layers * k * rate)
