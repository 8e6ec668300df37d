"""Numbers for the quiz on ViT: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.patch_embedding import PatchEmbedding
from tfx.ops.basics.class_token import class_token_forward
from tfx.ops.grids.patches import patch_grid


@told_apart
def rows_of_places(rng: np.random.Generator) -> NumberCase:
    """Rows of the table of positions, with [CLS]."""
    side = int(rng.choice([8, 14, 16, 32]))
    down, across = (int(n) for n in rng.integers(5, 20, size=2))
    h, w = patch_grid((1, side * down, side * across, 3), side)
    wrong = (
        Wrong(float(h * w), "class token not counted", "[CLS] stands in the row as well, and has a place."),
        Wrong(float(3 * h * w + 1), "a token per channel", "The colours of a pixel lie in the same square."),
        Wrong(float(h + w + 1), "rows added to columns", "Each row of squares has as many squares as there are columns."),
    )  # fmt: skip
    return NumberCase({"height": side * down, "width": side * across, "side": side}, float(h * w + 1), wrong, 0.0)


@told_apart
def map_of_squares(rng: np.random.Generator) -> NumberCase:
    """Parameters of a real map of squares."""
    side, channels, c = int(rng.choice([2, 4, 7, 8])), int(rng.choice([1, 3])), int(rng.choice([16, 32, 64, 96]))
    n = int(rng.integers(4, 9)) ** 2
    answer = PatchEmbedding(side, channels, c, rng).n_parameters
    numbers = side * side * channels
    wrong = (
        Wrong(float(n * answer), "a map for each square", "One map serves all squares, as one kernel does in a convolution."),
        Wrong(float(numbers * c), "bias not counted", "The map adds one offset for each number of the vector."),
        Wrong(float(side * channels * c + c), "side for area", "A square has side * side pixels."),
    )  # fmt: skip
    return NumberCase({"side": side, "channels": channels, "c": c, "n": n}, float(answer), wrong, 0.0)


@told_apart
def pairs_of_squares(rng: np.random.Generator) -> NumberCase:
    """How many times the pairs, from squares of one side to smaller ones."""
    times, small = int(rng.choice([2, 3, 4])), int(rng.choice([4, 6, 8, 16]))
    picture = small * times * int(rng.integers(4, 9))
    coarse, fine = (np.prod(patch_grid((1, picture, picture, 1), side)) for side in (small * times, small))
    wrong = (
        Wrong(float(times**2), "tokens for pairs", "That is how many times the squares; pairs are their square."),
        Wrong(float(times), "side for tokens", "A picture has two sides, so the squares grow with the square of that."),
        Wrong(float(times**3), "one power too few", "Squares grow with the second power, and pairs with the square of these."),
    )  # fmt: skip
    return NumberCase(
        {"picture": picture, "large": small * times, "small": small}, float(fine**2 / coarse**2), wrong, 0.0
    )


@told_apart
def into_the_blocks(rng: np.random.Generator) -> ShapeCase:
    """The shape that a real front end makes of a batch."""
    b, side, c = int(rng.integers(2, 6)), int(rng.choice([4, 8])), int(rng.choice([24, 32, 48]))
    across = int(rng.integers(2, 6))
    size = side * across
    y, _ = PatchEmbedding(side, 3, c, rng).forward(np.zeros((b, size, size, 3), "float32"))
    x, _ = class_token_forward(y, np.zeros(c, "float32"))
    wrong = (
        Wrong((b, across * across, c), "class token not counted", "[CLS] goes in front of the squares."),
        Wrong((b, across * across + 1, side * side * 3), "no map to the width", "The numbers of a square are mapped to the width."),
        Wrong((b, size * size + 1, c), "a token per pixel", "A token is a square of pixels."),
    )  # fmt: skip
    return ShapeCase({"b": b, "size": size, "side": side, "c": c}, tuple(int(n) for n in x.shape), wrong)
