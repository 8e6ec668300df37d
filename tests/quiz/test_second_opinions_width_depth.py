"""width-depth: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def maps(layers, width):
    """Numbers of four square maps and two of a network."""
    return layers * (4 * width * width + 2 * width * 4 * width)


def test_larger():
    for (wide, deep), asked in questions("width-depth/larger"):
        agrees(asked, maps(7 * deep, 8 * wide) / maps(7, 8))


def test_same_parameters():
    for (base, times), asked in questions("width-depth/same-parameters"):
        width = next(w for w in range(1, int(base)) if maps(times, w) == maps(1, base))
        agrees(asked, width)


def test_folds():
    """A piece of the output is a way through the layers, left or right in each."""
    for numbers, asked in questions("width-depth/folds"):
        turns = [1]
        for _ in range(int(numbers[-1])):
            turns += turns
        agrees(asked, len(turns))


def test_stored():
    for (table, _, block), asked in questions("width-depth/stored"):
        agrees(asked, table + block)


def test_work():
    for (one, uses), asked in questions("width-depth/work"):
        agrees(asked, sum(one for _ in range(int(uses))))
