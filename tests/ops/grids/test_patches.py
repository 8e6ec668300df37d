"""Patches: an image cut into squares and put together again."""

import numpy as np
import pytest

from tfx.ops.grids.convolution import convolution_forward
from tfx.ops.grids.patches import patch_grid, patches_backward, patches_forward

RNG = np.random.default_rng(0)


def by_hand(images, patch):
    """Square by square, pixel by pixel, as the formula says."""
    batch, height, width, channels = images.shape
    h, w = height // patch, width // patch
    y = np.empty((batch, h * w, patch * patch * channels))
    for b, i, j, r, c, k in np.ndindex(batch, h, w, patch, patch, channels):
        y[b, i * w + j, (r * patch + c) * channels + k] = images[b, i * patch + r, j * patch + c, k]
    return y


@pytest.mark.parametrize(("height", "width", "patch"), [(4, 6, 2), (9, 3, 3), (2, 5, 1), (4, 4, 4)])
def test_every_number_stands_where_the_formula_says(height, width, patch):
    images = RNG.standard_normal((2, height, width, 3))
    assert np.array_equal(patches_forward(images, patch)[0], by_hand(images, patch))


def test_backward_of_the_patches_themselves_gives_the_images_back():
    images = RNG.standard_normal((2, 6, 4, 3))
    y, cache = patches_forward(images, 2)
    assert np.array_equal(patches_backward(y, cache), images)


def test_backward_is_the_adjoint():
    images, dy = RNG.standard_normal((2, 6, 4, 3)), RNG.standard_normal((2, 6, 12))
    y, cache = patches_forward(images, 2)
    assert (y * dy).sum() == pytest.approx((images * patches_backward(dy, cache)).sum(), rel=1e-14)


def test_a_linear_map_of_every_patch_is_a_convolution_that_jumps_a_whole_patch():
    patch, channels, width = 2, 3, 5
    images, w = RNG.standard_normal((2, 6, 4, channels)), RNG.standard_normal((patch * patch * channels, width))
    kernel = w.reshape(patch, patch, channels, width).transpose(3, 2, 0, 1)  # (C, K, p, p)
    convolved, _ = convolution_forward(images.transpose(0, 3, 1, 2), kernel, stride=patch)  # (B, C, h, w)
    rows = convolved.transpose(0, 2, 3, 1).reshape(2, 6, width)
    np.testing.assert_allclose(patches_forward(images, patch)[0] @ w, rows, rtol=1e-12, atol=1e-13)


def test_a_change_in_one_square_changes_one_patch():
    images = RNG.standard_normal((1, 6, 4, 1))
    other = images.copy()
    other[0, 2:4, 2:4] += 1  # second line of squares, second square
    changed = (patches_forward(images, 2)[0] != patches_forward(other, 2)[0]).any(axis=-1)[0]
    assert changed.tolist() == [False, False, False, True, False, False]


def test_no_images_give_no_patches():
    y, cache = patches_forward(np.ones((0, 4, 6, 3)), 2)
    assert y.shape == (0, 6, 12) and patches_backward(y, cache).shape == (0, 4, 6, 3)
    assert patch_grid((0, 4, 6, 3), 2) == (2, 3)


@pytest.mark.parametrize(
    ("shape", "patch", "words"),
    [
        ((2, 5, 4, 1), 2, "5 x 4 pixels cannot be cut into squares of 2 x 2"),
        ((2, 4, 5, 1), 2, "4 x 5 pixels"),
        ((2, 4, 4, 1), 0, "squares of 0 x 0"),
        ((2, 4, 4), 2, r"\(batch, height, width, channels\), not \(2, 4, 4\)"),
    ],
)
def test_what_does_not_fit_is_named(shape, patch, words):
    with pytest.raises(ValueError, match=words):
        patches_forward(np.ones(shape), patch)
