"""masking-padding: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_share_of_filling():
    for lengths, asked in questions("masking-padding/share-of-filling"):
        longest = max(lengths)
        agrees(asked, sum(longest - n for n in lengths) / sum(longest for _ in lengths))


def test_shape_of_mask():
    for (batch, _, _, keys), asked in questions("masking-padding/shape-of-mask"):
        agrees(asked, (batch, 1, 1, keys))


def test_even_weight():
    for (n, pads), asked in questions("masking-padding/even-weight"):
        agrees(asked, 1 / (n - pads))


def test_loss_over_words():
    for (p, q, *_), asked in questions("masking-padding/loss-over-words"):
        agrees(asked, -math.log(math.sqrt(p * q)))


def test_places_sorted():
    for lengths, asked in questions("masking-padding/places-sorted"):
        agrees(asked, 2 * sum(sorted(lengths)[1::2]))


def test_rows_of_output():
    for (batch, n, width, _), asked in questions("masking-padding/rows-of-output"):
        agrees(asked, (batch, n, width))
