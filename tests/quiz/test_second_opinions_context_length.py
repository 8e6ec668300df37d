"""context-length: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_cache_bytes():
    for (layers, _, keys, d, *_, t, _), asked in questions("context-length/cache-bytes"):
        a_token = sum(2 * d + 2 * d for _ in range(int(keys))) * layers
        agrees(asked, a_token * t / 1024**3)


def test_prefill():
    def block(t, c):
        return 2 * t * t * c + 4 * t * c * c + 8 * t * c * c

    for (c, _, t, long, _), asked in questions("context-length/prefill"):
        agrees(asked, block(long, c) / block(t, c))


def test_needle():
    for (t, lead), asked in questions("context-length/needle"):
        agrees(asked, 1 / (1 + (t - 1) * math.exp(-lead)))


def test_interpolated():
    for (trained, long, place), asked in questions("context-length/interpolated"):
        agrees(asked, place * trained / long)
