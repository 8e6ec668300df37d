"""label-leakage: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_shift_without_mask():
    for (n,), asked in questions("label-leakage/shift-without-mask"):
        agrees(asked, len([t for t in range(int(n)) if t + 1 < n]))


def test_mask_without_shift():
    for (n,), asked in questions("label-leakage/mask-without-shift"):
        agrees(asked, len([t for t in range(int(n)) if t <= t]))


def test_even_floor():
    for (v,), asked in questions("label-leakage/even-floor"):
        agrees(asked, -sum(1 / v * math.log(1 / v) for _ in range(int(v))))


def test_shift_alone():
    for (t, v), asked in questions("label-leakage/shift-alone"):
        agrees(asked, math.log(v ** (1 / t)))


def test_next_token():
    for (repeats, v), asked in questions("label-leakage/next-token"):
        shares = [(1 - repeats) / v + repeats * (token == 0) for token in range(int(v))]
        agrees(asked, -sum(share * math.log(share) for share in shares))
