"""attention-shapes: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_one_head_output():
    for (n, _, _, d_v, *_), asked in questions("attention-shapes/one-head-output"):
        agrees(asked, (n, d_v))


def test_weights_of_batch():
    for (heads, _, batch, n), asked in questions("attention-shapes/weights-of-batch"):
        agrees(asked, (batch, heads, n, n))


def test_cross_weights():
    for (heads, _, batch, decoder, encoder), asked in questions("attention-shapes/cross-weights"):
        agrees(asked, (batch, heads, decoder, encoder))


def test_concatenated_width():
    for (_, heads, d_v), asked in questions("attention-shapes/concatenated-width"):
        agrees(asked, sum(d_v for _ in range(int(heads))))


def test_numbers_in_weights():
    for (batch, n, heads), asked in questions("attention-shapes/numbers-in-weights"):
        agrees(asked, sum(n for _ in range(int(batch * heads * n))))  # n weights for each query of each head
