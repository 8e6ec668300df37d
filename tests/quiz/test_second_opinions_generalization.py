"""generalization: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import itertools

from tests.quiz.second_opinions import agrees, questions


def test_columns():
    for (n, base), asked in questions("generalization/columns"):
        agrees(asked, base * base * (2 * n - 1))


def test_unsettled():
    for (base, seen), asked in questions("generalization/unsettled", 30):
        digits = range(int(base))
        open_, cases = 0, 0
        for column in itertools.product(digits, digits):
            cases += 1
            open_ += (sum(column) >= base) != (sum(column) + 1 >= base)
        agrees(asked, 100 * (open_ / cases) ** seen)


def test_all_digits():
    for (n, _, q), asked in questions("generalization/all-digits"):
        agrees(asked, 100 * (q / 100) ** (n + 1))


def test_diluted():
    for (factor, short, long), asked in questions("generalization/diluted"):
        agrees(asked, (factor + long - 1) / (factor + short - 1))
