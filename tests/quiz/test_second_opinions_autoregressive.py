"""decoding-autoregressive: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_chance_of_text():
    for (a, b, c), asked in questions("decoding-autoregressive/chance-of-text"):
        agrees(asked, a * b * c)


def test_log_of_text():
    for (n, p), asked in questions("decoding-autoregressive/log-of-text"):
        agrees(asked, math.log(p**n))


def test_perplexity():
    for (a, b), asked in questions("decoding-autoregressive/perplexity"):
        agrees(asked, (a * b) ** -0.5)


def test_passes():
    for (_, n), asked in questions("decoding-autoregressive/passes"):
        agrees(asked, n + 1)
