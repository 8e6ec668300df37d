"""initialization: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_xavier():
    for (a, b), asked in questions("initialization/xavier"):
        agrees(asked, math.sqrt(6 / (a + b)) / math.sqrt(3))  # as a uniform draw in +- sqrt(6 / (in + out)) has it


def test_stack():
    for (layers, width, _, _, variance), asked in questions("initialization/stack"):
        left = 1.0
        for _ in range(int(layers)):
            left *= width * variance
        agrees(asked, left)


def test_halves():
    for (layers,), asked in questions("initialization/halves"):
        agrees(asked, math.exp(-layers * math.log(2)))


def test_last_maps():
    for (blocks, std, *_), asked in questions("initialization/last-maps"):
        agrees(asked, math.sqrt(std**2 / (blocks + blocks)))
