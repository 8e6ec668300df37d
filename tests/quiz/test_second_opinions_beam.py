"""decoding-beam: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_greedy_text():
    for (a, b, aa, ab, *_), asked in questions("decoding-beam/greedy-text"):
        assert a > b and aa > ab
        agrees(asked, a * aa / 100)


def test_width_two():
    for (a, b, aa, ab, ba, bb, _), asked in questions("decoding-beam/width-two"):
        agrees(asked, max(a * aa, a * ab, b * ba, b * bb) / 100)


def test_exact_width():
    for (v, n, texts), asked in questions("decoding-beam/exact-width"):
        assert texts == v**n
        agrees(asked, texts / v)


def test_divided():
    for (short, a, long, b), asked in questions("decoding-beam/divided"):
        agrees(asked, b / long - a / short)
