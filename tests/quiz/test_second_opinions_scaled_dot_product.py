"""attention-scaled-dot-product: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_one_output():
    for (q1, q2, a1, a2, b1, b2, width, va, vb), asked in questions("attention-scaled-dot-product/one-output"):
        gap = (q1 * (a1 - b1) + q2 * (a2 - b2)) / math.sqrt(width)
        agrees(asked, vb + (va - vb) / (1 + math.exp(-gap)))


def test_multiply_adds():
    for (n, d), asked in questions("attention-scaled-dot-product/multiply-adds"):
        scores = sum(d for _ in range(int(n * n)))
        outputs = sum(n for _ in range(int(n * d)))
        agrees(asked, scores + outputs)


def test_output_shape():
    for (queries, _, _, _, _, width, *_), asked in questions("attention-scaled-dot-product/output-shape"):
        agrees(asked, (queries, width))
