"""From pictures to the tokens of a Vision Transformer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.basics.linear import linear_forward
from tfx.ops.grids.patches import patches_forward

exercise = Exercise(
    "vit-patches",
    "From a picture to the tokens of a ViT",
    step="to_a_vector",
    rules=[
        "images is (B, height, width, K). It is cut into squares of patch by patch pixels, which cover it exactly; they are "
        "read line by line, as text is.",
        "The numbers of a square lie in the order pixel row, pixel column, channel, and are taken as they are.",
        "w is (patch patch K, C), b is None or (C,): a square becomes a row times w, plus b.",
        "cls is None, or (C,): a learned vector that stands in front of the squares of each picture, as it is.",
        "positions is None, or has a row for each token, (N, C) or (1 + N, C), and is added to all of them at the end.",
        "All arguments stay as they are.",
    ],
    hints=[
        "A height of h * patch is two axes: which square, and which row of pixels in it. The width is two as well.",
        "Which axes have to change places before the numbers of one square lie side by side?",
        "[CLS] is a token like the others. Does it have a place?",
    ],
    learned="cut each side in two axes, bring the two of the square side by side, and one map makes a token of each.",
    results=["tokens: (B, N or 1 + N, C)"],
)


@exercise.stub
def vit_patches(images, patch, w, b=None, cls=None, positions=None):
    """What a ViT reads: squares of pictures as vectors, with [CLS] in front and positions added.

    images: (B, height, width, K), patch: pixels on a side of a square, w: (patch patch K, C)
    b: None or (C,), cls: None or (C,), positions: None, (N, C) or with cls (1 + N, C)
    -> tokens: (B, N, C), or with cls (B, 1 + N, C)
    """
    ...


def ended(tokens: Any, b: Any, cls: Any, positions: Any) -> Any:
    """tokens: (B, N, C), squares times w -> with what is asked for besides."""
    if b is not None:
        tokens = tokens + b
    if cls is not None:
        tokens = np.concatenate([np.broadcast_to(cls, (len(tokens), 1, len(cls))), tokens], axis=1)
    return tokens if positions is None else tokens + positions


@exercise.solution
def solution(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    batch, height, width, channels = images.shape
    squares = images.reshape(batch, height // patch, patch, width // patch, patch, channels)  # (B, i, r, j, c, K)
    squares = squares.transpose(0, 1, 3, 2, 4, 5)  # (B, i, j, r, c, K): which square, then where in it
    tokens = squares.reshape(batch, -1, patch * patch * channels) @ w
    if b is not None:
        tokens = tokens + b
    if cls is not None:
        tokens = np.concatenate([np.tile(cls, (batch, 1, 1)), tokens], axis=1)
    return tokens if positions is None else tokens + positions


@exercise.truth
def truth(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    return ended(linear_forward(patches_forward(images, patch)[0], w, b)[0], None, cls, positions)


@exercise.equal
def square_by_square(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """Cut out one after the other, with slices."""
    found = []
    for picture in images:
        row = [] if cls is None else [cls]
        for i in range(0, picture.shape[0], patch):
            for j in range(0, picture.shape[1], patch):
                row.append(picture[i : i + patch, j : j + patch].ravel() @ w + (0 if b is None else b))
        found.append([one if positions is None else one + positions[at] for at, one in enumerate(row)])
    return np.array(found)


@exercise.equal
def as_a_convolution(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """A kernel as wide as a square, which jumps a square each time."""
    kernel = w.reshape(patch, patch, images.shape[3], -1)
    windows = np.lib.stride_tricks.sliding_window_view(images, (patch, patch), axis=(1, 2))[:, ::patch, ::patch]
    tokens = np.einsum("bijkrc,rckd->bijd", windows, kernel)
    return ended(tokens.reshape(len(images), -1, w.shape[1]), b, cls, positions)


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(batch: int, h: int, w: int, patch: int, k: int, c: int, *also: str, by: float = 1.0) -> dict[str, Any]:
        """h, w: how many squares lie below and beside each other."""
        found = {"images": by * n((batch, h * patch, w * patch, k)), "patch": patch, "w": n((patch * patch * k, c))}
        tokens = h * w + ("cls" in also)
        return found | {name: n((tokens, c) if name == "positions" else c) for name in also}

    yield Given("all sizes different", given(2, 3, 4, 5, 1, 6))
    yield Given("three channels", given(2, 4, 2, 5, 3, 7))
    yield Given("one picture, tall", given(1, 5, 2, 3, 2, 4))
    yield Given("a square of squares", given(2, 3, 3, 2, 4, 5))
    yield Given("as many squares as pixels, channels and pictures", given(3, 3, 3, 3, 3, 3))
    yield Given("squares of one pixel", given(2, 3, 4, 1, 5, 6))
    yield Given("one square", given(2, 1, 1, 3, 2, 4))
    yield Given("squares in one line", given(2, 1, 4, 3, 2, 5))
    yield Given("squares in one column", given(2, 4, 1, 3, 2, 5))
    yield Given("C = 1", given(2, 2, 3, 2, 3, 1))
    yield Given("an offset", given(2, 3, 2, 2, 3, 4, "b"))
    yield Given("[CLS]", given(3, 2, 3, 2, 1, 4, "cls"))
    yield Given("positions", given(2, 2, 3, 2, 3, 5, "positions"))
    yield Given("[CLS] and positions", given(2, 3, 2, 2, 2, 4, "cls", "positions"))
    yield Given("an offset and positions", given(2, 2, 4, 3, 1, 5, "b", "positions"))
    yield Given("an offset and [CLS]", given(4, 2, 2, 2, 3, 3, "b", "cls"))
    yield Given("all of it", given(2, 4, 3, 2, 3, 6, "b", "cls", "positions"))
    yield Given("all of it, one picture of one square", given(1, 1, 1, 2, 1, 3, "b", "cls", "positions"))
    yield Given("pixels up to 255", given(2, 2, 3, 4, 3, 5, "b", "cls", "positions", by=80.0))
    single = given(2, 3, 2, 3, 3, 4, "b", "cls", "positions")
    yield Given("float32", {k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in single.items()})
    for about, (sizes, also, by, dtype) in crossed(
        {"2 pictures": (2, 3, 4, 5, 1, 6), "tall, 2 channels": (1, 5, 2, 3, 2, 4), "3 channels": (2, 2, 3, 2, 3, 5),
         "pixels": (2, 3, 4, 1, 5, 6), "one square": (3, 1, 1, 2, 2, 4), "all sizes 2": (2, 2, 2, 2, 2, 2),
         "a line": (2, 1, 4, 3, 2, 1)},
        {"": (), "b": ("b",), "[CLS]": ("cls",), "positions": ("positions",), "b and [CLS]": ("b", "cls"),
         "b and positions": ("b", "positions"), "[CLS] and positions": ("cls", "positions"),
         "b, [CLS] and positions": ("b", "cls", "positions")},
        {"": 1.0, "bright": 80.0, "dark": 1e-3}, {"": float, "float32": np.float32},
    ):  # fmt: skip
        one = given(*sizes, *also, by=by)
        yield Given(about, {k: v.astype(dtype) if isinstance(v, np.ndarray) else v for k, v in one.items()})
