"""representations-probing: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_commonest():
    for (_, *counts), asked in questions("representations-probing/commonest"):
        assert sum(counts) == 100
        agrees(asked, max(counts))


def test_selectivity():
    for (asked_for, by_lot, _), asked in questions("representations-probing/selectivity"):
        agrees(asked, asked_for - by_lot)


def test_added():
    for (_, before, after), asked in questions("representations-probing/added"):
        agrees(asked, after - before)


def test_weights():
    for (labels, _, _, c), asked in questions("representations-probing/weights"):
        agrees(asked, (c, labels))
