"""Rotary positions as attention takes them: the tables for the tokens that are being read."""

from __future__ import annotations

from tfx.arguments import number, whole_number
from tfx.backend import Array, xp_of
from tfx.ops.attention.multi_head import Rotation
from tfx.ops.positions.rotary import LAYOUTS, rotary_tables
from tfx.params import Layer


class Rotary(Layer):
    """Owns no parameters.  width: how many of a head's features turn, even; base and layout as in the operation."""

    def __init__(self, width: int, base: float = 10000.0, layout: str = "halves") -> None:
        if layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {layout!r}")
        number("base", base, above=0)
        if whole_number("the rotary width", width) < 2 or width % 2:
            raise ValueError(
                f"features are turned in pairs, so the rotary width must be even and positive, not {width}"
            )
        self.width, self.base, self.layout = width, base, layout

    def rotation(self, length: int, start: int, like: Array) -> Rotation:
        """Tables for places start .. start + length - 1, in dtype and on the device of `like`."""
        xp = xp_of(like)
        cos, sin = rotary_tables(xp.arange(start, start + length), self.width, self.base, like.dtype, xp)
        return Rotation(cos, sin, self.layout)
