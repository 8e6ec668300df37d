"""efficient-overview: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_most_to_save():
    for (c, _, t), asked in questions("efficient-overview/most-to-save"):
        pairs, maps, network = 2 * t * c * t, 4 * t * c * c, 2 * t * c * 4 * c
        agrees(asked, 100 * pairs / (pairs + maps + network))


def test_pairs_in_a_window():
    for (t, w), asked in questions("efficient-overview/pairs-in-a-window"):
        agrees(asked, sum(abs(i - j) <= w for i in range(int(t)) for j in range(int(t))))


def test_tiled_work():
    for (short, long, _), asked in questions("efficient-overview/tiled-work"):
        agrees(asked, sum(1 for _ in range(int(long)) for _ in range(int(long))) / short**2)


def test_mixed_layers():
    for (layers, full, windowed, w, t), asked in questions("efficient-overview/mixed-layers"):
        agrees(asked, 100 * sum([t] * int(full) + [w] * int(windowed)) / (layers * t))
