"""bert: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_packed():
    for (a, b), asked in questions("bert/packed"):
        agrees(asked, len(["[CLS]", *["a"] * int(a), "[SEP]", *["b"] * int(b), "[SEP]"]))


def test_segment_table():
    for (c, *_), asked in questions("bert/segment-table"):
        agrees(asked, sum(c for _ in "AB"))


def test_summed():
    for (token, place, _, second), asked in questions("bert/summed"):
        agrees(asked, float(sum(Fraction(str(x)) for x in (token, place, second))))


def test_read_mask():
    for (share, n), asked in questions("bert/read-mask"):
        agrees(asked, float(Fraction(int(share), 100) * int(n) * Fraction(8, 10)))
