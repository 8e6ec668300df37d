"""interpretability-attention: every computed answer once more, from what the question shows alone."""

from __future__ import annotations

import re
from itertools import combinations

from tests.quiz.second_opinions import agrees, questions


def test_output_moves():
    for (a, b, x, y, _), asked in questions("interpretability-attention/output-moves"):
        agrees(asked, abs((a * x + b * y) / 100 - y))


def test_tau():
    for _, asked in questions("interpretability-attention/tau"):
        first, second = re.findall(r"in the order ((?:[A-D] ){3}[A-D])", " ".join(asked.prompt.split()))
        first, second = first.split(), second.split()
        same = sum(second.index(a) < second.index(b) for a, b in combinations(first, 2))
        agrees(asked, (same - (6 - same)) / 6)


def test_free_weights():
    for (keys, width, _), asked in questions("interpretability-attention/free-weights"):
        agrees(asked, keys - width - 1)


def test_rolled_out():
    for (_, a, _, b), asked in questions("interpretability-attention/rolled-out"):
        agrees(asked, 100 * (b / 200 + (1 - b / 200) * a / 200))
