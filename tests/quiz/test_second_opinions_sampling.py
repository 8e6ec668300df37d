"""decoding-sampling: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_ratio():
    for (a, b, t), asked in questions("decoding-sampling/ratio"):
        agrees(asked, math.exp(a / t) / math.exp(b / t))


def test_top_k():
    for (*parts, k), asked in questions("decoding-sampling/top-k"):
        agrees(asked, 100 * max(parts) / sum(sorted(parts)[-int(k) :]))


def test_top_p():
    for (*parts, percent), asked in questions("decoding-sampling/top-p"):
        total, kept = 0.0, 0
        while total < percent:
            total += parts[kept]
            kept += 1
        agrees(asked, kept)


def test_tail():
    for (per_cent, n), asked in questions("decoding-sampling/tail"):
        agrees(asked, 100 - 100 * ((100 - per_cent) / 100) ** n)
