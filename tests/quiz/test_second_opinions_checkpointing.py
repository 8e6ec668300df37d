"""gradient-checkpointing: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_held():
    for (layers, segments, size), asked in questions("gradient-checkpointing/held"):
        assert layers == segments * size
        agrees(asked, len(range(0, int(layers), int(size))) + size)


def test_fewest():
    for (layers,), asked in questions("gradient-checkpointing/fewest"):
        agrees(asked, 2 * layers**0.5)


def test_work():
    for (back, percent), asked in questions("gradient-checkpointing/work"):
        agrees(asked, 100 * ((1 + percent / 100 + back) / (1 + back) - 1))


def test_thick():
    for (layers, kept), asked in questions("gradient-checkpointing/thick"):
        inputs, inside = {("input", i) for i in range(int(layers))}, {("inside", i) for i in range(int(kept) - 1)}
        agrees(asked, len(inputs | inside))


def test_row_statistics():
    for (heads, n), asked in questions("gradient-checkpointing/row-statistics"):
        agrees(asked, heads * n)
