"""Which colour a number gets, on every face.

Numbers of one sign get viridis (Smith and van der Walt, 2015): growing values are growing lightness, so it survives
greyscale printing and colour blindness.  Signed numbers get blue, white, red (ColorBrewer's RdBu; Harrower and Brewer,
2003), centred at 0: no entry looks like a large one because the others are negative.  Both are embedded as anchors,
so that showing a matrix does not import matplotlib.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RGB = tuple[int, int, int]

#: 33 colours at equal distances
VIRIDIS: tuple[RGB, ...] = (
    (68, 1, 84),
    (71, 13, 96),
    (72, 24, 106),
    (72, 35, 116),
    (71, 45, 123),
    (69, 54, 129),
    (66, 64, 134),
    (63, 73, 137),
    (59, 82, 139),
    (55, 90, 141),
    (51, 99, 141),
    (47, 106, 142),
    (44, 114, 142),
    (41, 122, 142),
    (38, 129, 142),
    (35, 137, 142),
    (33, 144, 140),
    (31, 152, 139),
    (31, 159, 136),
    (33, 166, 133),
    (40, 174, 128),
    (49, 181, 123),
    (62, 188, 116),
    (76, 194, 108),
    (93, 201, 99),
    (110, 206, 88),
    (130, 211, 76),
    (150, 216, 63),
    (171, 220, 50),
    (192, 223, 36),
    (213, 226, 26),
    (234, 229, 26),
    (253, 231, 37),
)


#: 11 colours at equal distances, the middle one for zero
BLUE_RED: tuple[RGB, ...] = (
    (5, 48, 97),
    (33, 102, 172),
    (67, 147, 195),
    (146, 197, 222),
    (209, 229, 240),
    (247, 247, 247),
    (253, 219, 199),
    (244, 165, 130),
    (214, 96, 77),
    (178, 24, 43),
    (103, 0, 31),
)
#: below this part of the largest, a negative number is rounding
ROUNDING = 1e-9
#: colours in a terminal are rounded to this many steps
STEPS = 64


@dataclass(frozen=True)
class Scale:
    """From numbers to colours.  signed: 0 stands in the middle, and equal sizes are equally strong."""

    low: float
    high: float
    signed: bool

    @classmethod
    def of(cls, low: float, high: float) -> Scale:
        """The one decision: numbers below zero make the scale a signed one, unless none reaches zero.

        A share of 1 that rounding has pushed below zero is no negative number.
        """
        bound = max(-low, high)
        if low < -ROUNDING * bound and high >= 0:
            return cls(-bound, bound, True)
        return cls(low, high, False)

    @property
    def colormap(self) -> str:
        """Its name in matplotlib."""
        return "RdBu_r" if self.signed else "viridis"

    def part(self, value: float) -> float | None:
        """Where `value` lies between the lowest (0) and the highest (1); None when it is not finite."""
        if not math.isfinite(value):
            return None
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0

    def color(self, value: float) -> RGB | None:
        """The colour of a value; None when it is not finite."""
        part = self.part(value)
        return None if part is None else mixed(BLUE_RED if self.signed else VIRIDIS, part)

    def step(self, value: float) -> RGB | None:
        """The colour rounded to one of STEPS, so that a terminal needs few styles."""
        part = self.part(value)
        return None if part is None else mixed(BLUE_RED if self.signed else VIRIDIS, round(part * STEPS) / STEPS)


def viridis(part: float) -> RGB:
    """The colour at `part` of the way, 0 dark to 1 light; outside is clamped."""
    return mixed(VIRIDIS, part)


def blue_red(part: float) -> RGB:
    """The colour at `part` of the way, blue over white to red; outside is clamped."""
    return mixed(BLUE_RED, part)


def mixed(anchors: tuple[RGB, ...], part: float) -> RGB:
    """The colour at `part` of the way through the anchors; outside is clamped."""
    place = min(max(part, 0.0), 1.0) * (len(anchors) - 1)
    index = min(int(place), len(anchors) - 2)
    rest = place - index
    r, g, b = (round(low + rest * (high - low)) for low, high in zip(anchors[index], anchors[index + 1], strict=True))
    return r, g, b


def readable_on(background: RGB) -> RGB:
    """Black or white, whichever contrasts more with the background (WCAG relative luminance)."""
    return (0, 0, 0) if luminance(background) > 0.179 else (255, 255, 255)


def luminance(color: RGB) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.1)."""
    r, g, b = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in color)
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: RGB, b: RGB) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)
