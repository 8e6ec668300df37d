"""attention-bias: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math
from itertools import product

from tests.quiz.second_opinions import agrees, questions


def test_weight_by_bias():
    for (a, b, c), asked in questions("attention-bias/weight-by-bias"):
        agrees(asked, 1 / (1 + math.exp(b - a) + math.exp(c - a)))


def test_keys_in_window():
    for (_, tokens, window, place, first), asked in questions("attention-bias/keys-in-window"):
        assert first == 1
        agrees(asked, sum(place - window <= key <= place for key in range(1, int(tokens) + 1)))


def test_swin():
    for (side, again, heads), asked in questions("attention-bias/swin"):
        assert side == again
        patches = list(product(range(int(side)), repeat=2))
        agrees(asked, len({(a - c, b - d) for a, b in patches for c, d in patches}) * heads)


def test_bias_shape():
    for (heads, past, queries), asked in questions("attention-bias/bias-shape"):
        agrees(asked, (heads, queries, past + queries))


def test_read_by():
    for (tokens, place, first), asked in questions("attention-bias/read-by"):
        assert first == 1
        agrees(asked, len(range(int(place), int(tokens) + 1)))


def test_received():
    for (tokens, place, first), asked in questions("attention-bias/received"):
        assert first == 1
        agrees(asked, sum(1 / n for n in range(int(place), int(tokens) + 1)))
