"""positional-need: every computed answer once more, from what the question shows alone."""

from __future__ import annotations

import re

from tests.quiz.second_opinions import agrees, questions


def test_read_off():
    for (_, mark, _, place, first), asked in questions("positional-need/read-off"):
        assert first == 1
        agrees(asked, sum([mark, *[0] * (int(place) - 1)]) / place)


def test_other_order():
    for (a, b, c), asked in questions("positional-need/other-order"):
        pattern = r".*now reads (\w) (\w) (\w)\. What is its output at the (\w+)\splace\?"
        words = re.fullmatch(pattern, asked.prompt.strip(), re.DOTALL)
        assert words is not None
        *order, place = words.groups()
        agrees(asked, {"a": a, "b": b, "c": c}[order[["first", "second", "third"].index(place)]])


def test_back_to_width():
    for (width, features, again), asked in questions("positional-need/back-to-width"):
        assert width == again
        agrees(asked, width * width + features * width)


def test_shape_of_sum():
    for (batch, tokens, width, _, columns), asked in questions("positional-need/shape-of-sum"):
        assert width == columns
        agrees(asked, (batch, tokens, width))


def test_score_of_sums():
    for (a, b, c, d, e, f, g, h), asked in questions("positional-need/score-of-sums"):
        agrees(asked, (a + e) * (c + g) + (b + f) * (d + h))


def test_places_named():
    for (tokens,), asked in questions("positional-need/places-named"):
        agrees(asked, 100 * (1 + (tokens - 1) * (1 / (tokens - 1))) / tokens)
