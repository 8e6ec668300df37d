"""regularization-dropout: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
import re

from tests.quiz.second_opinions import agrees, questions


def test_kept_number():
    for (rate, x), asked in questions("regularization-dropout/kept-number"):
        agrees(asked, x / (1 - rate))


def test_variance():
    for (mean, variance, rate), asked in questions("regularization-dropout/variance"):
        second_moment = (1 - rate) * (variance + mean**2) / (1 - rate) ** 2
        agrees(asked, second_moment - mean**2)


def test_stream():
    for (rate, n, _), asked in questions("regularization-dropout/stream"):
        agrees(asked, math.prod([1 - rate] * int(n)))


def test_row():
    for (*row, rate, at), asked in questions("regularization-dropout/row"):
        assert len(row) == 4 and math.isclose(sum(row), 1, abs_tol=1e-9)
        agrees(asked, sum(p / (1 - rate) for i, p in enumerate(row, start=1) if i != at))


def test_blocks():
    for _, asked in questions("regularization-dropout/blocks"):
        shown = re.search(r"i / (\d+) \* ([\d.]+)\.", asked.prompt)
        assert shown
        n, last = int(shown[1]), float(shown[2])
        agrees(asked, sum(1 - i / n * last for i in range(1, n + 1)))


def test_layers():
    for (n,), asked in questions("regularization-dropout/layers"):
        shown = re.search(r"every (\w+) layer", asked.prompt)
        assert shown
        every = {"second": 2, "third": 3, "fourth": 4}[shown[1]]
        left = [*range(1, int(n) + 1)]
        del left[::every]
        agrees(asked, len(left))
