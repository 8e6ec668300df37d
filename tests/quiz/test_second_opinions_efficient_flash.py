"""efficient-flash: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_running_sum():
    for (*scores,), asked in questions("efficient-flash/running-sum"):
        agrees(asked, sum(math.exp(s - max(scores)) for s in scores))


def test_weight_again():
    for (kept, score), asked in questions("efficient-flash/weight-again"):
        agrees(asked, math.exp(score) / math.exp(kept))


def test_kept_numbers():
    for (heads, t, d), asked in questions("efficient-flash/kept-numbers"):
        agrees(asked, sum(d + 1 for _ in range(int(heads)) for _ in range(int(t))))


def test_travel():
    for (t, d, b), asked in questions("efficient-flash/travel"):
        tiles = range(0, int(t), int(b))
        agrees(asked, sum(b * d + 2 * t * d + b * d for _ in tiles))
