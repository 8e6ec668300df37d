"""Digits as squares of pixels: what positions add, and what a bag of squares cannot say."""

import functools

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.data.digits import digits
from tfx.lab import frame
from tfx.lab.beyond_text import vit_digits
from tfx.lab.beyond_text.vit_digits import Settings, in_another_order

PLACE = "tfx.lab.beyond_text.vit_digits"


def where(condition, **changes):
    return lambda row: {**row, **changes} if condition(row) else row


def bag(row):
    return row["positions"] == "none"


BREAKS = Table(
    Settings(squares=(2, 8), steps=200, models=1),
    Broken("no positions anywhere", {"small", "positions", "placed"}, positions="none"),
    Broken("hardly trained", {"small", "large", "positions"}, steps=5),
    Broken(
        "a bag that reads as well", {"positions"}, row=where(lambda row: bag(row) and row["square"] == 2, right=60.0)
    ),
    Broken(
        "one square with an order", {"one-square"}, row=where(lambda row: bag(row) and row["square"] == 8, right=50.0)
    ),
    Broken("a bag with an order", {"bag"}, row=where(bag, moved=0.5)),
    Broken("a token more", {"tokens"}, row=lambda row: {**row, "tokens": row["tokens"] + 1}),
    always={f"{PLACE}.learned": instead(functools.cache(vit_digits.learned))},
)


@pytest.mark.parametrize("square", [1, 2, 4])
def test_another_order_has_the_same_squares(square):
    images = digits(3, np.random.default_rng(0)).images
    turned = in_another_order(images, square, np.random.default_rng(2))
    assert turned.shape == images.shape and (turned != images).any()

    def cut(image):
        side = 8 // square
        parts = [image[i * square :][:square, j * square :][:, :square] for i in range(side) for j in range(side)]
        return sorted(part.tobytes() for part in parts)

    assert all(cut(a) == cut(b) for a, b in zip(images, turned, strict=True))


def test_one_square_has_no_other_order():
    images = digits(2, np.random.default_rng(0)).images
    np.testing.assert_array_equal(in_another_order(images, 8, np.random.default_rng(1)), images)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(vit_digits)
    small, bare, large, _ = (row["right"] for row in found.rows)
    again = vit_digits.learned(200, 2, "none", 0, 0)
    assert found.question.answer == bare == pytest.approx(100 * again["right"])
    assert found.notes[0].text == (
        f"With squares of 2 x 2 pixels {small:.3g}% of new digits are read, without positions {bare:.3g}%. With "
        f"squares of 8 it is {large:.3g}%."
    )


def test_all_checks_hold():
    found = frame.run(vit_digits, Settings(squares=(2, 8), steps=200, models=1), 3)
    assert all(check.holds for check in found.checks), found.checks
