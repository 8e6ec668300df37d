"""why-not-rnn: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_average():
    for numbers, asked in questions("why-not-rnn/average"):
        weights, values = ([Fraction(str(x)) for x in three] for three in (numbers[:3], numbers[3:]))
        assert sum(weights) == 1
        agrees(asked, float(sum(w * x for w, x in zip(weights, values, strict=True))))


def test_room():
    for (words, width), asked in questions("why-not-rnn/room"):
        state = [0.0] * int(width)
        for _ in range(int(words)):
            state = [0.5 * number for number in state]  # whatever a word does, the state keeps its width
        agrees(asked, len(state))
