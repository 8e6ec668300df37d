"""gpt: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

import math

from tests.quiz.second_opinions import agrees, questions


def test_first_loss():
    for (v, _), asked in questions("gpt/first-loss"):
        agrees(asked, math.log(v))


def test_untied():
    for (c, v), asked in questions("gpt/untied"):
        agrees(asked, sum(c for _ in range(int(v))))


def test_last_map():
    for (layers, *_), asked in questions("gpt/last-map"):
        agrees(asked, 0.02 / len([part for _ in range(int(layers)) for part in "af"]) ** 0.5)


def test_one_more_block():
    for (c, f), asked in questions("gpt/one-more-block"):
        agrees(asked, sum(rows * columns for rows, columns in [(c, c)] * 4 + [(c, f), (f, c)]))


def test_logits():
    for (_, v, b, t), asked in questions("gpt/logits"):
        agrees(asked, (b, t, v))
