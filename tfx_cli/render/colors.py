"""Viridis, the colour map of Smith and van der Walt (2015), as anchors: growing values are growing lightness, so it
survives greyscale printing and colour blindness.  Embedded so that showing a matrix does not import matplotlib."""

from __future__ import annotations

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


def viridis(part: float) -> RGB:
    """The colour at `part` of the way, 0 dark to 1 light; outside is clamped."""
    place = min(max(part, 0.0), 1.0) * (len(VIRIDIS) - 1)
    index = min(int(place), len(VIRIDIS) - 2)
    rest = place - index
    low, high = VIRIDIS[index], VIRIDIS[index + 1]
    return (
        round(low[0] + rest * (high[0] - low[0])),
        round(low[1] + rest * (high[1] - low[1])),
        round(low[2] + rest * (high[2] - low[2])),
    )


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
