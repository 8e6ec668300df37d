"""kv-cache: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def test_rows_without():
    for (t, n), asked in questions("kv-cache/rows-without"):
        agrees(asked, sum(t + i for i in range(int(n))))


def test_one_step():
    for (c, n), asked in questions("kv-cache/one-step"):
        agrees(asked, 4 * c * c + 2 * n * c)


def test_bytes():
    for (layers, _, shared, d, _, _, n), asked in questions("kv-cache/bytes"):
        agrees(asked, 2 * 2 * layers * shared * d * n / 1e6)


def test_stored_keys():
    for (b, t, n, _, shared, d), asked in questions("kv-cache/stored-keys"):
        agrees(asked, (b, shared, t + n, d))
