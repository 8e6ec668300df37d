"""batch-size-lr: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_noise():
    for (few, noise, many), asked in questions("batch-size-lr/noise"):
        agrees(asked, math.sqrt(noise**2 * few / many))


def test_rate():
    for (base, rate, batch), asked in questions("batch-size-lr/rate"):
        times = batch / base
        agrees(asked, rate * (times if asked.prompt.startswith("plain SGD") else math.sqrt(times)))


def test_parts():
    for (a, b, first, second), asked in questions("batch-size-lr/parts"):
        agrees(asked, first + (second - first) * b / (a + b))


def test_critical():
    for (_, critical, batch), asked in questions("batch-size-lr/critical"):
        agrees(asked, (critical + batch) / critical)


def test_best_step():
    for (_, _, _, noise, batch, *_), asked in questions("batch-size-lr/best-step"):
        agrees(asked, noise / (noise + batch))
