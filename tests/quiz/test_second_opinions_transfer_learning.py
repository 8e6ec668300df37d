"""transfer-learning: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from fractions import Fraction

from tests.quiz.second_opinions import agrees, questions


def test_head_alone():
    for (width, classes), asked in questions("transfer-learning/head-alone"):
        agrees(asked, sum(width + 1 for _ in range(int(classes))))


def test_all_tuned():
    for (body, head, tasks, *_), asked in questions("transfer-learning/all-tuned"):
        agrees(asked, float(sum(Fraction(str(body)) + Fraction(str(head)) for _ in range(int(tasks)))))


def test_frozen_shared():
    for (body, tasks, head), asked in questions("transfer-learning/frozen-shared"):
        agrees(asked, body + sum(head for _ in range(int(tasks))))


def test_whole_answers():
    for (p, n), asked in questions("transfer-learning/whole-answers"):
        agrees(asked, float(Fraction(str(p)) ** int(n)))
