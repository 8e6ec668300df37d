"""instruction-reasoning: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_places_that_count():
    for (text, answer), asked in questions("instruction-reasoning/places-that-count"):
        row = ["i"] * int(text) + ["a"] * int(answer)
        agrees(asked, sum(after == "a" for after in row[1:]))


def test_preferred():
    for (a, b, *_), asked in questions("instruction-reasoning/preferred"):
        agrees(asked, math.exp(a) / (math.exp(a) + math.exp(b)))


def test_serial_layers():
    for (layers, steps), asked in questions("instruction-reasoning/serial-layers"):
        agrees(asked, layers * steps)


def test_without_slip():
    for (slip, n), asked in questions("instruction-reasoning/without-slip"):
        agrees(asked, float(100 * (1 - Fraction(str(slip)) / 100) ** int(n)))


def test_bends():
    for numbers, asked in questions("instruction-reasoning/bends"):
        made, s = int(numbers[-3]), int(numbers[-1])
        agrees(asked, s - made + 1 if made % 2 else made - s)
