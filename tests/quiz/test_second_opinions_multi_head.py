"""multi-head: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from itertools import product

from tests.quiz.second_opinions import agrees, questions


def test_blended():
    for (first, second, a, b), asked in questions("multi-head/blended"):
        assert round(first + second, 9) == 1
        agrees(asked, b + first * (a - b))


def test_numbers_in_maps():
    """Head by head: three maps of C x D, and D rows of W_O."""
    for (heads, width), asked in questions("multi-head/numbers-in-maps"):
        d = width / heads
        agrees(asked, sum(3 * width * d + d * width for _ in range(int(heads))))


def test_width_of_a_head():
    for (width, heads), asked in questions("multi-head/width-of-a-head"):
        agrees(asked, next(d for d in range(1, 2000) if d * heads == width))


def test_after_the_split():
    for (batch, n, width, heads), asked in questions("multi-head/after-the-split"):
        agrees(asked, (batch, heads, n, width / heads))


def test_rows_mixed_up():
    """Number i of the flat array stands in row i // D; the first token has numbers 0 .. C - 1."""
    for (n, width, heads, *_), asked in questions("multi-head/rows-mixed-up"):
        d = width // heads
        rows = {i // d for i in range(int(width))}
        agrees(asked, len([row for row in rows if row < n]))


def test_weights_of_two_lengths():
    for (heads, _, n_q, n_k, batch), asked in questions("multi-head/weights-of-two-lengths"):
        agrees(asked, (batch, heads, n_q, n_k))


def test_most_of_one_head():
    """Counted: of (a, b) and (b, a) one, of (a, a) all."""
    for (n,), asked in questions("multi-head/most-of-one-head"):
        pairs = list(product(range(int(n)), repeat=2))
        agrees(asked, sum(a <= b for a, b in pairs) / len(pairs))
