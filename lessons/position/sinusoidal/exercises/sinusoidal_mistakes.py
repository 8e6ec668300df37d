"""What people write in the place of sinusoidal positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.position.sinusoidal.exercises.sinusoidal import exercise


def filled(angles: Any, c: int) -> Any:
    table = np.empty((len(angles), c))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


def places(n: int, start: int) -> Any:
    return np.arange(start, start + n)[:, None]


def pairs(c: int) -> Any:
    return np.arange(c // 2)


@exercise.mistake
def halves(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """All sines stand in the first half, all cosines in the second.

    Why: concatenate is shorter than interleaving, and some libraries do it.
    Hint: Which columns does the rule give to pair 0?
    See: in_code
    """
    angles = places(n, start) / base ** (2 * pairs(c) / c)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


@exercise.mistake
def cosine_first(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """Cosine and sine are exchanged.

    Why: x is the cosine and y the sine, so it comes first.
    Hint: What is the first number of the row of place 0?
    """
    angles = places(n, start) / base ** (2 * pairs(c) / c)
    return filled(angles, c).reshape(n, c // 2, 2)[..., ::-1].reshape(n, c)


@exercise.mistake
def column_for_pair(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """Every column has a speed of its own: base^(2 column / c).

    Why: The i of the formula is taken for the number of the column.
    Hint: Do sine and cosine of a pair turn alike?
    See: wavelengths
    """
    angles = places(n, start) / base ** (2 * np.arange(c) / c)
    return np.where(np.arange(c) % 2, np.cos(angles), np.sin(angles))


@exercise.mistake
def column_over_width(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """Every column has a speed of its own: base^(column / c).

    Why: 2 i is the number of the column, for sines; for cosines it is one less.
    Hint: Do sine and cosine of a pair turn alike?
    See: wavelengths
    """
    angles = places(n, start) / base ** (np.arange(c) / c)
    return np.where(np.arange(c) % 2, np.cos(angles), np.sin(angles))


@exercise.mistake
def factor_two_missing(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """The 2 in the exponent is missing: base^(i / c).

    Why: i is taken for the number of the column.
    Hint: Which speed has the last pair?
    See: wavelengths
    """
    return filled(places(n, start) / base ** (pairs(c) / c), c)


@exercise.mistake
def last_pair_at_the_base(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """The speeds run from 1 to 1 / base, both ends included.

    Why: linspace includes its end.
    Hint: By what is the place divided in the last pair?
    See: wavelengths
    """
    return filled(places(n, start) / base ** np.linspace(0, 1, c // 2), c)


@exercise.mistake
def multiplied(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """The place is multiplied by base^(2 i / c), not divided.

    Why: The stroke of the fraction gets lost.
    Hint: Do the later columns turn quicker or slower?
    See: wavelengths
    """
    return filled(places(n, start) * base ** (2 * pairs(c) / c), c)


@exercise.mistake
def counted_from_one(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """Places are counted from 1.

    Why: The first place is place 1.
    Hint: What is the row of the first place?
    See: in_code
    """
    return filled((places(n, start) + 1) / base ** (2 * pairs(c) / c), c)


@exercise.mistake
def start_left_out(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """start is not used.

    Why: The first tests begin at 0.
    Hint: Call it with start=5.
    See: in_code
    """
    return filled(places(n, 0) / base ** (2 * pairs(c) / c), c)


@exercise.mistake
def base_fixed(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """The base is 10000, whatever is asked for.

    Why: The number is typed into the formula.
    Hint: Call it with base=100.
    See: wavelengths
    """
    return filled(places(n, start) / 10000.0 ** (2 * pairs(c) / c), c)


@exercise.mistake
def sines_alone(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """Both columns of a pair are sines.

    Why: The line was copied, and one word stayed.
    Hint: Can a place be told from the sine alone?
    """
    angles = places(n, start) / base ** (2 * pairs(c) / c)
    return np.repeat(np.sin(angles), 2, axis=1)


@exercise.mistake
def whole_division(n: int, c: int, base: float = 10000.0, start: int = 0) -> Any:
    """The exponent is divided with //, so that it is 0 for every pair.

    Why: c // 2 stands nearby.
    Hint: How large is 2 i // c?
    See: wavelengths
    """
    return filled(places(n, start) / base ** (2 * pairs(c) // c).astype(float), c)
