"""applications: every computed answer once more, from what the question shows alone."""

from __future__ import annotations

import re

from tests.quiz.second_opinions import agrees, questions


def test_squares():
    for (image, _, side, _), asked in questions("applications/squares"):
        agrees(asked, (image // side) ** 2)


def test_written():
    for (b, _, m, words), asked in questions("applications/written"):
        agrees(asked, (b, m, words))


def test_steps():
    for (low, high, bins), asked in questions("applications/steps"):
        agrees(asked, (high - low) / bins / 2)


def test_partner():
    for _, asked in questions("applications/partner"):
        chains = re.findall(r"\b[ACGT]{5}\b", asked.prompt)
        same = [(a, b) for a in chains for b in chains if a[0] == b[0] and a != b]
        (place,) = [j for j in range(1, 5) if all(a[j] == b[j] for a, b in same)]
        agrees(asked, place + 1)
