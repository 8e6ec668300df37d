"""What people write in the place of cutting pictures into tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.architectures.vit.exercises.vit_patches import ended, exercise


def cut(images: Any, patch: int, order: tuple[int, ...] = (0, 1, 3, 2, 4, 5)) -> Any:
    """order: of the axes (B, i, r, j, c, K) -> (B, N, numbers of a square)."""
    batch, height, width, channels = images.shape
    squares = images.reshape(batch, height // patch, patch, width // patch, patch, channels)
    return squares.transpose(order).reshape(batch, -1, patch * patch * channels)


@exercise.mistake
def cut_without_turning(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The pixels are cut in the order in which they lie, so a square holds a piece of a line.

    Why: One reshape gives the right shape.
    Hint: Number the pixels of a picture of 4 x 4. Which ones lie in the first square of 2 x 2?
    """
    return ended(images.reshape(len(images), -1, len(w)) @ w, b, cls, positions)


@exercise.mistake
def column_by_column(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The squares are read from top to bottom, column by column.

    Why: The two axes of squares stand in the other order behind the turn.
    Hint: Which square is the second one, that to the right of the first or that below it?
    """
    return ended(cut(images, patch, (0, 3, 1, 2, 4, 5)) @ w, b, cls, positions)


@exercise.mistake
def squares_turned(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The pixels in a square lie column by column.

    Why: Width stands in front of height in the turn.
    Hint: Which pixel of a square is its second number?
    """
    return ended(cut(images, patch, (0, 1, 3, 4, 2, 5)) @ w, b, cls, positions)


@exercise.mistake
def both_turned(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """Squares and their pixels are both read column by column.

    Why: Images are thought of as x, then y.
    Hint: Which axis of images comes first, height or width?
    """
    return ended(cut(images, patch, (0, 3, 1, 4, 2, 5)) @ w, b, cls, positions)


@exercise.mistake
def channels_first(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """In a square all of one channel come first, then all of the next.

    Why: PyTorch keeps pictures and kernels so.
    Hint: How far apart do red and green of one pixel lie, by the rule?
    """
    return ended(cut(images, patch, (0, 1, 3, 5, 2, 4)) @ w, b, cls, positions)


@exercise.mistake
def height_for_width(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """Height and width of the picture are exchanged.

    Why: A size is said as width x height.
    Hint: Try a picture that is wider than high.
    """
    batch, height, width, channels = images.shape
    return ended(cut(images.reshape(batch, width, height, channels), patch) @ w, b, cls, positions)


@exercise.mistake
def pictures_mixed(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """Squares of several pictures come into one row of tokens.

    Why: The axis of pictures is turned behind that of squares.
    Hint: Change the last picture. Do the tokens of the first one move?
    """
    squares = cut(images, patch)
    return ended(squares.swapaxes(0, 1).reshape(squares.shape) @ w, b, cls, positions)


@exercise.mistake
def every_window(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The squares lie over one another: the next one begins a pixel further.

    Why: A convolution moves by one unless told.
    Hint: In how many squares is each pixel?
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (patch, patch), axis=(1, 2))
    tokens = np.moveaxis(windows, 3, -1).reshape(len(images), -1, len(w)) @ w
    return ended(tokens, b, cls, positions)


@exercise.mistake
def offset_left_out(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """b is not added.

    Why: It is None in the first tests.
    Hint: A black picture, all 0: what are its tokens?
    """
    return ended(cut(images, patch) @ w, None, cls, positions)


@exercise.mistake
def offset_on_cls_too(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """[CLS] gets b as well.

    Why: It is put in front before b is added.
    Hint: Is [CLS] a square that goes through the map?
    """
    return ended(cut(images, patch) @ w, b, cls if cls is None or b is None else cls + b, positions)


@exercise.mistake
def cls_left_out(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """There is no [CLS], and the first positions are taken.

    Why: The mean over squares is to be read out later.
    Hint: How many tokens does the rule ask for when cls is given?
    """
    tokens = ended(cut(images, patch) @ w, b, None, None)
    return tokens if positions is None else tokens + positions[: tokens.shape[1]]


@exercise.mistake
def cls_at_the_end(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """[CLS] stands behind the squares.

    Why: append is easier to write.
    Hint: Which token is the first?
    """
    tokens = ended(cut(images, patch) @ w, b, cls, None)
    tokens = tokens if cls is None else np.roll(tokens, -1, axis=1)
    return tokens if positions is None else tokens + positions


@exercise.mistake
def cls_in_each_place(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """[CLS] is added to every square, not put in front; the positions are those behind the first.

    Why: A vector (C,) broadcasts.
    Hint: How many tokens does the rule ask for when cls is given?
    """
    tokens = ended(cut(images, patch) @ w, b, None, None) + (0 if cls is None else cls)
    return tokens if positions is None else tokens + positions[-tokens.shape[1] :]


@exercise.mistake
def cls_without_position(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """[CLS] gets no position.

    Why: Positions are added before it is put in front.
    Hint: positions has 1 + N rows. For whom is the first?
    """
    places = positions
    if cls is not None and positions is not None:
        places = np.concatenate([np.zeros_like(positions[:1]), positions[1:]])
    return ended(cut(images, patch) @ w, b, cls, places)


@exercise.mistake
def squares_before_cls(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The squares take the first positions, and [CLS] the last.

    Why: Positions are counted from the first square.
    Hint: Which row of positions belongs to the token in front?
    """
    places = positions
    if cls is not None and positions is not None:
        places = np.roll(positions, 1, axis=0)
    return ended(cut(images, patch) @ w, b, cls, places)


@exercise.mistake
def positions_left_out(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """positions is not added.

    Why: The picture's order seems to be in the order of the tokens.
    Hint: What does attention know of the order of its rows?
    """
    return ended(cut(images, patch) @ w, b, cls, None)


@exercise.mistake
def times_the_root(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The vectors are multiplied by sqrt(C).

    Why: The first Transformer does so with its words.
    Hint: Which rule asks for it?
    """
    root = np.sqrt(w.shape[1])
    return ended(cut(images, patch) @ w * root, b if b is None else root * b, cls, positions)


@exercise.mistake
def pixels_over_255(images: Any, patch: int, w: Any, b: Any = None, cls: Any = None, positions: Any = None) -> Any:
    """The pixels are divided by 255.

    Why: Pictures are mostly read so.
    Hint: Read the rule again: as what are the numbers taken?
    """
    return ended(cut(images / 255, patch) @ w, b, cls, positions)
