"""label-smoothing: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
import re

from tests.quiz.second_opinions import agrees, questions


def target(eps: float, k: float) -> list[float]:
    return [(1 - eps) * (i == 0) + eps / k for i in range(int(k))]


def test_right_target():
    for (eps, k), asked in questions("label-smoothing/right-target"):
        agrees(asked, 1 - sum(target(eps, k)[1:]))


def test_best_lead():
    for (eps, k), asked in questions("label-smoothing/best-lead"):
        right, other = target(eps, k)[:2]
        agrees(asked, math.log(right) - math.log(other))


def test_floor():
    for (eps, k), asked in questions("label-smoothing/floor"):
        agrees(asked, sum(p * math.log(1 / p) for p in target(eps, k)))


def test_padded():
    for numbers, asked in questions("label-smoothing/padded"):
        assert re.search(r"The last \d of them are padding", asked.prompt)
        *losses, pads = numbers
        counted = losses[: len(losses) - int(pads)]
        agrees(asked, sum(counted) / len(counted))
