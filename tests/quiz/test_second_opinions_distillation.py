"""distillation: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

import pytest

from tests.quiz.second_opinions import agrees, questions


def test_soft_target():
    for (a, b, t), asked in questions("distillation/soft-target"):
        agrees(asked, 1 / (1 + math.exp((b - a) / t)))


def test_scaled_loss():
    for (t, kl, one, label, hard), asked in questions("distillation/scaled-loss"):
        agrees(asked, (one - hard) * t**2 * kl + hard * label)


def test_pull():
    for (t, p, q, *_), asked in questions("distillation/pull"):
        assert asked.case is not None
        assert asked.case.answer == pytest.approx(t * (q - p), rel=5e-3, abs=t * 1e-4)


def test_how_much_weaker():
    for (*_, times), asked in questions("distillation/how-much-weaker"):
        agrees(asked, times**2)
