"""vit: every computed answer once more, from the numbers in the question alone."""

from __future__ import annotations

from tests.quiz.second_opinions import agrees, questions


def squares(height: float, width: float, side: float) -> int:
    return sum(1 for _ in range(0, int(height), int(side)) for _ in range(0, int(width), int(side)))


def test_rows_of_places():
    for (height, width, side, _), asked in questions("vit/rows-of-places"):
        agrees(asked, 1 + squares(height, width, side))


def test_map_of_squares():
    for (_, side, _, channels, c), asked in questions("vit/map-of-squares"):
        agrees(asked, c * (side * side * channels) + c)


def test_pairs():
    for (picture, _, large, _, small, _), asked in questions("vit/pairs"):
        agrees(asked, squares(picture, picture, small) ** 2 / squares(picture, picture, large) ** 2)


def test_into_the_blocks():
    for (b, size, _, _, side, _, c), asked in questions("vit/into-the-blocks"):
        agrees(asked, (b, 1 + squares(size, size, side), c))
