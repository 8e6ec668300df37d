"""embeddings: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import cmath
import math

from tests.quiz.second_opinions import agrees, questions


def test_shape_of_lookup():
    for (batch, length, _, width), asked in questions("embeddings/shape-of-lookup"):
        agrees(asked, (batch, length, width))


def test_table_size():
    for (_, vocabulary, width), asked in questions("embeddings/table-size"):
        agrees(asked, sum(width for _ in range(int(vocabulary))))


def test_cosine():
    for numbers, asked in questions("embeddings/cosine"):
        a, b = numbers[:3], numbers[3:]
        far = sum((x / math.hypot(*a) - y / math.hypot(*b)) ** 2 for x, y in zip(a, b, strict=True))
        agrees(asked, 1 - far / 2)


def test_gradient_of_row():
    for numbers, asked in questions("embeddings/gradient-of-row"):
        ids, sent, (row,) = numbers[:5], numbers[5:10], numbers[10:]
        agrees(asked, sum(g for i, g in zip(ids, sent, strict=True) if i == row))


def test_position_length():
    for (width,), asked in questions("embeddings/position-length"):
        hands = [abs(cmath.exp(1j * 3 * 10000 ** (-2 * i / width))) ** 2 for i in range(int(width) // 2)]
        agrees(asked, math.sqrt(sum(hands)))


def test_scaled_length():
    for (mean, deviation, width, again), asked in questions("embeddings/scaled-length"):
        assert mean == 0 and width == again
        agrees(asked, math.sqrt(sum(width * deviation**2 for _ in range(int(width)))))
