"""What people write in the place of rotary positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.position.rope.exercises.rope import exercise


def angles_of(x: Any, base: float, start: int) -> Any:
    t, d = x.shape[-2:]
    return np.arange(start, start + t)[:, None] / base ** (2 * np.arange(d // 2) / d)


def turned(x: Any, cos: Any, sin: Any) -> Any:
    a, b = x[..., 0::2], x[..., 1::2]
    return np.stack([a * cos - b * sin, a * sin + b * cos], axis=-1).reshape(x.shape)


@exercise.mistake
def halves(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """Number i is paired with number i + D / 2, not with its neighbour.

    Why: Many libraries do that; their weights are stored in another order.
    Hint: Which columns does the rule pair?
    See: layouts
    """
    angles = angles_of(x, base, start)
    a, b = np.split(x, 2, axis=-1)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


@exercise.mistake
def other_way_round(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """Pairs are turned the other way round.

    Why: The minus stands before the other sine.
    Hint: Where does (1, 0) go by a turn of 90 degrees?
    """
    angles = angles_of(x, base, start)
    return turned(x, np.cos(angles), -np.sin(angles))


@exercise.mistake
def minus_missing(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """The minus is missing: a cos + b sin and a sin + b cos.

    Why: The two lines look alike.
    Hint: Does your turn keep the length of a pair?
    """
    angles = angles_of(x, base, start)
    a, b, cos, sin = x[..., 0::2], x[..., 1::2], np.cos(angles), np.sin(angles)
    return np.stack([a * cos + b * sin, a * sin + b * cos], axis=-1).reshape(x.shape)


@exercise.mistake
def sines_alone_in_the_second(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """The second number of a pair is computed from the first one after it was turned.

    Why: The result is written into the array that is read.
    Hint: Which a does the second line need, the old one or the new one?
    """
    angles = angles_of(x, base, start)
    a, b, cos, sin = x[..., 0::2], x[..., 1::2], np.cos(angles), np.sin(angles)
    first = a * cos - b * sin
    return np.stack([first, first * sin + b * cos], axis=-1).reshape(x.shape)


@exercise.mistake
def added(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """Sines and cosines are added, as in the first Transformer.

    Why: Positions are something that one adds.
    Hint: Does your result keep the length of x?
    See: both_rotate
    """
    angles = angles_of(x, base, start)
    return x + np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(x.shape[-2:])


@exercise.mistake
def nothing_turned(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """Nothing is turned.

    Why: A test with one token at place 0 cannot see it.
    Hint: Compare the second row of the result with x.
    """
    return x.copy()


@exercise.mistake
def one_speed(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """All pairs turn at the speed of the first one.

    Why: The speeds are left out.
    Hint: Which pair turns slowest?
    """
    places = angles_of(x, base, start)[:, :1] * np.ones(x.shape[-1] // 2)
    return turned(x, np.cos(places), np.sin(places))


@exercise.mistake
def factor_two_missing(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """The 2 in the exponent is missing: base^(i / D).

    Why: i is taken for the number of the column.
    Hint: Which speed has the last pair?
    """
    t, d = x.shape[-2:]
    angles = np.arange(start, start + t)[:, None] / base ** (np.arange(d // 2) / d)
    return turned(x, np.cos(angles), np.sin(angles))


@exercise.mistake
def start_left_out(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """start is not used.

    Why: The first tests begin at place 0; with stored keys the next token does not.
    Hint: Call it with start=5.
    See: only_offsets
    """
    angles = angles_of(x, base, 0)
    return turned(x, np.cos(angles), np.sin(angles))


@exercise.mistake
def base_fixed(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """The base is 10000, whatever is asked for.

    Why: The number is typed into the formula.
    Hint: Call it with base=100.
    """
    angles = angles_of(x, 10000.0, start)
    return turned(x, np.cos(angles), np.sin(angles))


@exercise.mistake
def counted_from_one(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """Places are counted from 1.

    Why: The first place is place 1.
    Hint: By how much is the first row turned?
    See: only_offsets
    """
    angles = angles_of(x, base, start + 1)
    return turned(x, np.cos(angles), np.sin(angles))


@exercise.mistake
def heads_for_places(x: Any, base: float = 10000.0, start: int = 0) -> Any:
    """The place is counted along the axis before T, where there is one.

    Why: (..., T, H, D) is another usual layout.
    Hint: Which axis holds the tokens by the rule?
    """
    if x.ndim < 3:
        angles = angles_of(x, base, start)
        return turned(x, np.cos(angles), np.sin(angles))
    angles = angles_of(np.swapaxes(x, -2, -3), base, start)[:, None, :]
    return turned(x, np.cos(angles), np.sin(angles))
