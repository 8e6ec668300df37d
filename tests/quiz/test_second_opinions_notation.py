"""notation: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_gradient_of_keys():
    for (_, keys, width, _), asked in questions("notation/gradient-of-keys"):
        agrees(asked, (keys, width))  # an entry for each entry of K, a row for each key


def test_output_of_a_head():
    for (queries, keys, _, width), asked in questions("notation/output-of-a-head"):
        values = [[0.0] * int(width)] * int(keys)
        rows = [[sum(column) for column in zip(*values, strict=True)] for _ in range(int(queries))]
        agrees(asked, (len(rows), len(rows[0])))
