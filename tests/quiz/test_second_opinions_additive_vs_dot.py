"""attention-additive-vs-dot: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_one_score():
    def tanh(z: float) -> float:
        return 1 - 2 / (math.exp(2 * z) + 1)

    for (a1, a2, b1, b2, bias, v1, v2), asked in questions("attention-additive-vs-dot/one-score"):
        agrees(asked, v1 * tanh(a1 + b1 + bias) + v2 * tanh(a2 + b2 + bias))


def test_hidden_bytes():
    for (n, a), asked in questions("attention-additive-vs-dot/hidden-bytes"):
        agrees(asked, sum(4 * n * a for _ in range(int(n))))  # 4 bytes; n rows of n pairs


def test_flops():
    for (n, d), asked in questions("attention-additive-vs-dot/flops"):
        agrees(asked, sum(d + d for _ in range(int(n * n))))  # a product and an addition for each coordinate
