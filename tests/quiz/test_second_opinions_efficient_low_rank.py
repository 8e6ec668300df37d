"""efficient-low-rank: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_mixed_keys():
    for (b, heads, _, d, marks), asked in questions("efficient-low-rank/mixed-keys"):
        agrees(asked, (b, heads, marks, d))


def test_linformer_work():
    for (t, d, marks), asked in questions("efficient-low-rank/linformer-work"):
        mixing, using = 2 * marks * t * d, t * d * marks + t * marks * d
        agrees(asked, mixing + using)


def test_three_matrices():
    for (t, marks), asked in questions("efficient-low-rank/three-matrices"):
        agrees(asked, sum(rows * columns for rows, columns in ((t, marks), (marks, marks), (marks, t))))


def test_by_segments():
    for (_, _, _, c, d, *_), asked in questions("efficient-low-rank/by-segments"):
        agrees(asked, c - (c - d) / 2)
