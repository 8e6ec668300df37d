"""efficient-linear: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_smoothed():
    for (a, b, c, x, y, z), asked in questions("efficient-linear/smoothed"):
        agrees(asked, sum(k * v / (a + b + c) for k, v in ((a, x), (b, y), (c, z))))


def test_one_weight():
    def phi(x):
        return x + 1 if x > 0 else math.exp(x)

    for (*_, q, first, second, _, _), asked in questions("efficient-linear/one-weight"):
        near, far = phi(q) * phi(first), phi(q) * phi(second)
        agrees(asked, near / (near + far))


def test_saved():
    for (t, d, *_), asked in questions("efficient-linear/saved"):
        keys, queries = t * d * d + t * d, t * d * d + t * d
        agrees(asked, (t * t * d + t * t * d) / (keys + queries))


def test_state_size():
    for (heads, d, *_), asked in questions("efficient-linear/state-size"):
        agrees(asked, sum(d * d + d for _ in range(int(heads))))
