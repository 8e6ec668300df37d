"""in-context-learning: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_one_step():
    for (a, b, c, d, _, rate, *_, q), asked in questions("in-context-learning/one-step"):
        agrees(asked, rate * (a * b + c * d) / 2 * q)


def test_by_attention():
    for (a, c, rate, _, b, _, _, d, q), asked in questions("in-context-learning/by-attention"):
        agrees(asked, sum(rate / 2 * y * (x * q) for x, y in ((a, b), (c, d))))


def test_left_over():
    for (d, n, *_, r, _, _, _, _, _), asked in questions("in-context-learning/left-over"):
        r = next(x for x in (0.2, 0.4, 0.5, 0.8) if f"rate {x:g}." in asked.prompt)
        agrees(asked, 100 * ((1 - r) ** 2 + r * r * (d + 1) / n))


def test_unknown_part():
    for (width, examples), asked in questions("in-context-learning/unknown-part"):
        agrees(asked, 100 * (1 - examples / width))
