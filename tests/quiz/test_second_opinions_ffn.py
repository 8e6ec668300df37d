"""ffn: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import re
from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_parameters():
    """Weights and a bias for each unit of each layer."""
    for (width, hidden), asked in questions("ffn/parameters"):
        agrees(asked, sum(width + 1 for _ in range(int(hidden))) + sum(hidden + 1 for _ in range(int(width))))


def test_by_hand():
    for (a, b, _, u11, u12, _, u21, u22, v1, _, v2, _), asked in questions("ffn/by-hand"):
        fired = [value if value > 0 else 0 for value in (a * u11 + b * u12, a * u21 + b * u22)]
        agrees(asked, v1 * fired[0] + v2 * fired[1])


def test_share_of_block():
    for (width, hidden), asked in questions("ffn/share-of-block"):
        agrees(asked, 100 / (1 + 2 * width / hidden))


def test_shape_of_hidden():
    for (batch, tokens, _, hidden), asked in questions("ffn/shape-of-hidden"):
        agrees(asked, (int(batch), int(tokens), int(hidden)))


def test_gated():
    for (width, hidden), asked in questions("ffn/gated"):
        weights = 2 * int(width) * int(hidden)
        agrees(asked, next(f for f in range(1, int(hidden)) if 3 * int(width) * f == weights))


def test_unit_adds():
    for _, asked in questions("ffn/unit-adds"):
        dot, bias, value = (
            Fraction(n) for n in re.findall(r"(?:product|bias is|vector is) (-?[\d.]*\d)", asked.prompt)
        )
        agrees(asked, float((dot + bias) * value))
