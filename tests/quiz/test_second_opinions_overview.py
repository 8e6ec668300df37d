"""architecture-overview: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from statistics import mean, pstdev

from tests.quiz.second_opinions import agrees, questions


def test_sub_layers():
    for (year, n, m), asked in questions("architecture-overview/sub-layers"):
        assert year == 2017
        agrees(asked, sum(len("af") for _ in range(int(n))) + sum(len("acf") for _ in range(int(m))))


def test_weights_of_blocks():
    """Every matrix on its own."""
    for (year, n, same, c, f), asked in questions("architecture-overview/weights-of-blocks"):
        assert year == 2017 and n == same
        attention, network = [(c, c)] * 4, [(c, f), (f, c)]
        every = (attention + network + attention + attention + network) * int(n)
        agrees(asked, sum(rows * columns for rows, columns in every))


def test_embedding_table():
    for (c, words, year), asked in questions("architecture-overview/table"):
        assert year == 2017
        agrees(asked, c * words)


def test_shape_of_logits():
    for (_, words, _, t), asked in questions("architecture-overview/logits"):
        agrees(asked, (t, words))


def test_add_and_norm():
    """With the standard library's mean and deviation."""
    for (year, *numbers, gain, bias), asked in questions("architecture-overview/add-and-norm"):
        assert (year, gain, bias) == (2017, 1, 0) and len(numbers) == 6
        row = [a + b for a, b in zip(numbers[:3], numbers[3:], strict=True)]
        agrees(asked, (row[-1] - mean(row)) / pstdev(row) if pstdev(row) else 0.0)
