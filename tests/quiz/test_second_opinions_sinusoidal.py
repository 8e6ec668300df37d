"""positional-sinusoidal: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import cmath
import math

from tests.quiz.second_opinions import agrees, questions


def test_entry():
    for (width, base, pos, column, first), asked in questions("positional-sinusoidal/entry"):
        assert (base, first) == (10000, 0)
        hand = cmath.exp(1j * pos / base ** (2 / width))
        agrees(asked, hand.imag if column == 2 else hand.real)


def test_turn():
    for (width, base, i, *_), asked in questions("positional-sinusoidal/turn"):
        agrees(asked, math.tau * base ** (i / (width / 2)))


def test_moved():
    for (speed, sine, cosine, k), asked in questions("positional-sinusoidal/moved"):
        agrees(asked, (complex(cosine, sine) * cmath.exp(1j * k * speed)).imag)


def test_length():
    for (width,), asked in questions("positional-sinusoidal/length"):
        agrees(asked, (width / 2) ** 0.5)


def test_shape_added():
    for (one, _, width, _, tokens, again), asked in questions("positional-sinusoidal/shape-added"):
        assert one == 1 and width == again
        agrees(asked, (1, tokens, width))
