"""transformer-vs-rnn: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

import pytest

from tests.quiz.second_opinions import agrees, questions


def test_decay():
    """The state k steps after a tiny one, and the rule for the answer itself."""
    for (slope, w, k), asked in questions("transformer-vs-rnn/decay"):
        assert slope == 1
        h = tiny = 1e-6
        for _ in range(int(k)):
            h = math.tanh(w * h)
        assert asked.case.answer == pytest.approx(h / tiny, rel=1e-9)
        agrees(asked, w**k)


def test_work():
    def products(n: float, d: float) -> float:
        scores = sum(d for _ in range(int(n * n)))
        outputs = sum(n for _ in range(int(n * d)))
        return scores + outputs

    for (d, n, longer), asked in questions("transformer-vs-rnn/work", seeds=30):
        agrees(asked, products(longer, d) / products(n, d))


def test_cache_bytes():
    for (d, n), asked in questions("transformer-vs-rnn/cache-bytes"):
        agrees(asked, n * (4 * d + 4 * d))  # a key and a value for each token
