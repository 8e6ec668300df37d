"""cross-attention: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_output_shape():
    for (t, _, width), asked in questions("cross-attention/output-shape"):
        agrees(asked, (t, width))


def test_brought_home():
    for (_, query, key, _, a, b), asked in questions("cross-attention/brought-home"):
        share = 1 / (1 + math.exp(-query * key))
        agrees(asked, share * a + (1 - share) * b)


def test_readable():
    for (width, s), asked in questions("cross-attention/readable"):
        agrees(asked, sum(width for _ in range(int(s))))


def test_numbers_kept():
    for (layers, width, s, _), asked in questions("cross-attention/numbers-kept"):
        agrees(asked, sum(width for _ in range(int(layers)) for _ in ("keys", "values") for _ in range(int(s))))
