"""Digits drawn by us: what a picture holds, and what training never sees."""

from itertools import pairwise

import numpy as np
import pytest

from tfx.data import digits as module
from tfx.data.digits import (
    N_CLASSES,
    SHIFTS,
    SIZE,
    SLANTS,
    STROKES,
    THICKNESSES,
    WIDTHS,
    digits,
    draw,
    standardised,
)
from tfx.data.held_out import HELD_OUT_SHARE


def distance_by_hand(y, x, stroke, left, top, width, height):
    """From a pixel to a stroke, by trying a thousand points of it."""
    corners = np.array([(left + px * width, top + py * height) for px, py in stroke])
    share = np.linspace(0, 1, 1000)[:, None]
    points = np.concatenate([a + share * (b - a) for a, b in pairwise(corners)])
    return np.hypot(points[:, 0] - x, points[:, 1] - y).min()


@pytest.mark.parametrize("digit", range(N_CLASSES))
def test_a_pixel_is_as_dark_as_it_is_near_to_a_stroke(digit):
    picture, width, height, thickness = draw(digit, down=0.5, right=-1.0, width=3.6), 3.6, 5.6, 1.2
    left, top = 3.5 - width / 2 - 1.0, 3.5 - height / 2 + 0.5
    for y, x in np.ndindex(SIZE, SIZE):
        distance = min(distance_by_hand(y, x, s, left, top, width, height) for s in STROKES[digit])
        assert picture[y, x] == pytest.approx(np.clip(thickness / 2 - distance + 0.5, 0, 1), abs=1e-2)


def test_moving_a_digit_by_a_pixel_moves_its_picture():
    for digit in range(N_CLASSES):
        picture = draw(digit)
        np.testing.assert_allclose(draw(digit, down=1.0)[1:], picture[:-1], atol=1e-12)
        np.testing.assert_allclose(draw(digit, right=1.0)[:, 1:], picture[:, :-1], atol=1e-12)


def test_a_slant_leans_the_top_to_the_right_and_the_foot_to_the_left():
    upright, leaning = (
        (picture * np.arange(SIZE)).sum(axis=1)[1:7]
        / picture.sum(axis=1)[1:7]  # where the ink of a line has its middle
        for picture in (draw(1), draw(1, slant=0.3))
    )
    assert leaning[1] > upright[1] + 0.3 and leaning[-1] < upright[-1] - 0.3


def test_thicker_strokes_are_darker_everywhere():
    for digit in range(N_CLASSES):
        thin, thick = draw(digit, thickness=0.9), draw(digit, thickness=1.5)
        assert (thick >= thin).all() and thick.sum() > 1.2 * thin.sum()


def test_many_pictures_at_once_are_the_same_as_one_by_one():
    right, slant = np.array([-1.0, 0.5]), np.array([0.0, 0.3])
    both = draw(3, right=right, slant=slant)
    assert both.shape == (2, SIZE, SIZE)
    for i in range(2):
        np.testing.assert_allclose(both[i], draw(3, right=right[i], slant=slant[i]), atol=1e-14)


def test_no_two_digits_look_alike():
    clean = np.stack([draw(digit) for digit in range(N_CLASSES)])
    apart = abs(clean[:, None] - clean).sum(axis=(2, 3)) + 100 * np.eye(N_CLASSES)
    assert apart.min() > 4, "at least four whole pixels differ"


def test_pictures_are_grey_small_and_labelled_evenly():
    images, labels = digits(3000, np.random.default_rng(0))
    assert images.shape == (3000, SIZE, SIZE, 1) and images.dtype == np.float32
    assert (abs(np.bincount(labels, minlength=N_CLASSES) - 300) < 4 * 300**0.5).all()
    assert -0.3 < images.min() < 0.0 and 1.0 < images.max() < 1.3, "noise goes a little beyond paper and ink"
    ready = standardised(images)
    assert ready.dtype == np.float32 and abs(ready.mean()) < 0.05 and abs(ready.std() - 1) < 0.05


def test_the_pictures_show_their_labels():
    """Under ink, paper and noise, each is most like a clean picture of the digit that its label names."""
    images, labels = digits(500, np.random.default_rng(0))
    styles = np.meshgrid(SHIFTS, SHIFTS, SLANTS, WIDTHS, THICKNESSES)
    clean = np.stack([draw(digit, *styles) for digit in range(N_CLASSES)]).reshape(N_CLASSES, -1, SIZE * SIZE)
    clean -= clean.mean(axis=-1, keepdims=True)
    clean /= np.sqrt((clean * clean).sum(axis=-1, keepdims=True))
    likeness = (clean @ images.reshape(500, -1).T).max(axis=1)  # (10, 500): to the best of all styles
    assert (likeness.argmax(axis=0) == labels).mean() > 0.99


def test_a_digit_in_a_held_out_style_never_occurs_in_training():
    trained, tested = (
        {tuple(row) for row in module._recipes(6000, np.random.default_rng(0), side).tolist()} for side in (False, True)
    )
    assert trained and tested and not trained & tested
    styles = {recipe[1:] for recipe in trained}
    assert sum(recipe[1:] in styles for recipe in tested) > 0.9 * len(tested), "the styles themselves are trained"
    n_recipes = N_CLASSES * 5 * 5 * 4 * 3 * 3
    assert len(tested) <= 1.2 * n_recipes / HELD_OUT_SHARE


def test_the_same_seed_gives_the_same_pictures():
    first, same, other = (digits(20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.images, same.images) and np.array_equal(first.labels, same.labels)
    assert not np.array_equal(first.images, other.images)
    assert digits(0, np.random.default_rng(0)).images.shape == (0, SIZE, SIZE, 1)
