"""pretraining-objectives: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_masked_answers():
    for (rows, length, *_), asked in questions("pretraining-objectives/masked-answers"):
        agrees(asked, sum(int(length * 15 / 100 + 0.5) for _ in range(int(rows))))


def test_next_answers():
    for (rows, length), asked in questions("pretraining-objectives/next-answers"):
        agrees(asked, sum(1 for _ in range(int(rows)) for place in range(int(length)) if place > 0))


def test_chance_of_text():
    for chances, asked in questions("pretraining-objectives/chance-of-text"):
        a, b, c = (Fraction(str(p)) for p in chances)
        agrees(asked, float(a * b * c))


def test_target_length():
    for (_, cut, runs), asked in questions("pretraining-objectives/target-length"):
        agrees(asked, int(cut) + len([*range(int(runs)), "end"]))
