"""neural-layer: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_one_unit():
    for numbers, asked in questions("neural-layer/one-unit"):
        x, w, b = numbers[:3], numbers[3:6], numbers[6]
        z = b
        for i in range(3):
            z += x[i] * w[i]
        agrees(asked, z if z > 0 else 0.0)


def test_parameters():
    for (tokens, wide, again, out), asked in questions("neural-layer/parameters"):
        assert tokens == again
        agrees(asked, (wide + 1) * out)


def test_shape_of_hidden():
    for (batch, tokens, _, hidden), asked in questions("neural-layer/shape-of-hidden"):
        agrees(asked, (batch, tokens, hidden))


def test_folded():
    for (w1, b1, w2, b2, x), asked in questions("neural-layer/folded"):
        agrees(asked, x * (w1 * w2) + (b1 * w2 + b2))
