"""training-backprop: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_logit_gradient():
    for (n, a, b, c), asked in questions("training-backprop/logit-gradient"):
        agrees(asked, 1 / (n * (1 + math.exp(a - b) + math.exp(c - b))))


def test_even_loss():
    for (words,), asked in questions("training-backprop/even-loss"):
        agrees(asked, math.log(words))


def test_weight_gradient():
    for (*_, c, f), asked in questions("training-backprop/weight-gradient"):
        agrees(asked, (c, f))


def test_shared_row():
    for (_, first, second, x, g), asked in questions("training-backprop/shared-row"):
        agrees(asked, first + second + g * x)


def test_spared():
    for (_, width, words), asked in questions("training-backprop/spared"):
        agrees(asked, width * words)
