"""Cases of tfx/ops/positions/rotary.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, T
from tfx.ops.positions.rotary import rotary_backward, rotary_forward, rotary_tables


def rotary(rng: Rng, layout: str, width: int = 6, lead: tuple[int, ...] = ()) -> Problem:
    """Vectors of width 10, of which `width` features are turned; lead: positions that differ between sequences."""
    cos, sin = rotary_tables(rng.integers(0, 50, (*lead, T)), width, base=30.0)
    x = rng.standard_normal((B, H, T, 10))
    return Problem(rotary_forward, rotary_backward, {"x": x}, {"cos": cos, "sin": sin, "layout": layout})


CASES: tuple[Case, ...] = (
    Case(rotary_backward, "halves, a part of the width", partial(rotary, layout="halves")),
    Case(rotary_backward, "halves, the whole width", partial(rotary, layout="halves", width=10)),
    Case(rotary_backward, "pairs, a part of the width", partial(rotary, layout="pairs")),
    Case(rotary_backward, "pairs, own positions in each sequence", partial(rotary, layout="pairs", lead=(B, 1))),
)
