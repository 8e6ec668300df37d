"""Rotary positions as attention takes them: the tables for the tokens that are being read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tfx.arguments import number, whole_number
from tfx.backend import Array, xp_of
from tfx.nn.settings import NamedSettings
from tfx.ops.attention.multi_head import Rotation
from tfx.ops.positions.rotary import LAYOUTS, rotary_tables


@dataclass(frozen=True)
class Rotary(NamedSettings):
    """Settings, and no layer: nothing is learned.  base and layout as in the operation.

    width: how many of a head's features turn, even; all of them unless told.
    """

    name: ClassVar[str] = "rotary"
    width: int | None = None
    base: float = 10000.0
    layout: str = "halves"

    def check(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, not {self.layout!r}")
        number("base", self.base, above=0)
        width = self.width
        if width is not None and (whole_number("the rotary width", width) < 2 or width % 2):
            raise ValueError(
                f"features are turned in pairs, so the rotary width must be even and positive, not {width}"
            )

    def fitted(self, d_head: int) -> Rotary:
        """With a width: that of the head, less one feature where it is odd."""
        return self if self.width is not None else replace(self, width=d_head - d_head % 2)

    def rotation(self, length: int, start: int, like: Array) -> Rotation:
        """Tables for places start .. start + length - 1, in dtype and on the device of `like`."""
        if self.width is None:
            raise ValueError("how many features turn is not known yet: give a width, or call fitted(d_head)")
        xp = xp_of(like)
        cos, sin = rotary_tables(xp.arange(start, start + length), self.width, self.base, like.dtype, xp)
        return Rotation(cos, sin, self.layout)
