"""masking-causal: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_visible():
    for (n,), asked in questions("masking-causal/visible"):
        agrees(asked, n * (n + 1) / 2)


def test_moved_outputs():
    for (n, place, _), asked in questions("masking-causal/moved-outputs"):
        agrees(asked, len(range(int(place), int(n) + 1)))


def test_even_weight():
    for (_, row, _), asked in questions("masking-causal/even-weight"):
        agrees(asked, 1 / row)


def test_mask_of_batch():
    for (_, _, n, _, batch, *_), asked in questions("masking-causal/mask-of-batch"):
        agrees(asked, (batch, 1, n, n))


def test_off_by_one():
    for (n,), asked in questions("masking-causal/off-by-one"):
        seen = [len([j for j in range(int(n)) if j < i]) for i in range(int(n))]
        agrees(asked, sum(seen) + seen.count(0))
