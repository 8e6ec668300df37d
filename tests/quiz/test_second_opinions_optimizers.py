"""optimizers: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_first_step():
    for (_, _, grad, rate), asked in questions("optimizers/first-step"):
        agrees(asked, rate * grad / (grad + 1e-9))


def test_second_step():
    for numbers, asked in questions("optimizers/second-step"):
        a, b = numbers[-2:]
        means, squares = (0.9 * a + b) / 1.9, (0.98 * a * a + b * b) / 1.98  # averages with weights that sum to 1
        agrees(asked, means / math.sqrt(squares))


def test_state_bytes():
    for (billions, *_), asked in questions("optimizers/state-bytes"):
        agrees(asked, 4 * billions * (2 if "does AdamW" in asked.prompt else 1))


def test_factored():
    for (rows, columns), asked in questions("optimizers/factored"):
        agrees(asked, rows + columns)


def test_lion():
    for (*_, mean, grad, rate), asked in questions("optimizers/lion"):
        agrees(asked, -math.copysign(rate, 9 * mean + grad))


def test_decayed():
    for (rate, decay, _, _, steps), asked in questions("optimizers/decayed", seeds=20):
        agrees(asked, math.exp(steps * math.log1p(-rate * decay)))
