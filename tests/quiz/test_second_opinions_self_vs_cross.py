"""self-vs-cross: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_weights_of_cross():
    for (t, s), asked in questions("self-vs-cross/weights-of-cross"):
        agrees(asked, (t, s))


def test_pairs_of_masked():
    for (t,), asked in questions("self-vs-cross/pairs-of-masked"):
        agrees(asked, sum(range(1, int(t) + 1)))


def test_pairs_of_cross():
    for (t, s, pads), asked in questions("self-vs-cross/pairs-of-cross"):
        agrees(asked, t * s - t * pads)


def test_weights_of_all():
    """The whole square of both sequences, less the block that nobody reads."""
    for (s, t), asked in questions("self-vs-cross/weights-of-all"):
        agrees(asked, (s + t) ** 2 - s * t)
