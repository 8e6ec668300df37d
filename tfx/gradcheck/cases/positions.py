"""Positions: tables that are added or written beside, learned speeds, and rotation."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, F, H, Rng, S, T
from tfx.nn.positions import ConcatPositions, Positions
from tfx.ops.positions.positions import (
    PositionsCache,
    add_positions_backward,
    add_positions_forward,
    concat_positions_backward,
    concat_positions_forward,
)
from tfx.ops.positions.rotary import RotaryCache, rotary_backward, rotary_forward, rotary_tables
from tfx.ops.positions.sinusoids import SinusoidsCache, sinusoids_backward, sinusoids_forward


def add_positions(rng: Rng, start: int = 0) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((S, C))}
    return Problem(add_positions_forward, add_positions_backward, inputs, {"start": start})


def concat_positions(rng: Rng, start: int = 0) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "table": rng.standard_normal((S, F))}
    return Problem(concat_positions_forward, concat_positions_backward, inputs, {"start": start})


def sinusoids(rng: Rng, positions: Any) -> Problem:
    return Problem(sinusoids_forward, sinusoids_backward, {"speeds": rng.random(F)}, {"positions": positions})


def rotary(rng: Rng, layout: str, width: int = 6, lead: tuple[int, ...] = ()) -> Problem:
    """Vectors of width 10, of which `width` features are turned; lead: positions that differ between sequences."""
    cos, sin = rotary_tables(rng.integers(0, 50, (*lead, T)), width, base=30.0)
    x = rng.standard_normal((B, H, T, 10))
    return Problem(rotary_forward, rotary_backward, {"x": x}, {"cos": cos, "sin": sin, "layout": layout})


def frequencies(rng: Rng) -> Problem:
    return layer_problem(Positions("frequencies", S, 8, rng), rng, {"x": rng.standard_normal((B, T, 8))}, {"start": 2})


def concat_layer(rng: Rng, kind: str) -> Problem:
    return layer_problem(ConcatPositions(kind, S, F, rng), rng, {"x": rng.standard_normal((B, T, C))}, {"start": 1})


def positions_averaged(dy: Any, cache: PositionsCache) -> Any:
    dx, dtable = add_positions_backward(dy, cache)
    return dx, dtable / len(dy)


def positions_from_the_top(dy: Any, cache: PositionsCache) -> Any:
    return add_positions_backward(dy, cache._replace(start=0))


def concat_positions_from_the_front(dy: Any, cache: PositionsCache) -> Any:
    """The columns of the table are taken to stand in front of x."""
    width = cache.table.shape[-1]
    return concat_positions_backward(np.concatenate((dy[..., width:], dy[..., :width]), axis=-1), cache)


def sinusoids_position_forgotten(dy: Any, cache: SinusoidsCache) -> Any:
    return sinusoids_backward(dy, cache._replace(positions=np.ones_like(cache.positions)))


def sinusoids_minus_lost(dy: Any, cache: SinusoidsCache) -> Any:
    return sinusoids_backward(dy, cache._replace(sines=-cache.sines))


def rotary_turned_further(dy: Any, cache: RotaryCache) -> Any:
    """The backward turns by a instead of back by -a."""
    return rotary_forward(dy, cache.cos, cache.sin, cache.layout)[0]


def rotary_other_layout(dy: Any, cache: RotaryCache) -> Any:
    return rotary_backward(dy, cache._replace(layout="pairs" if cache.layout == "halves" else "halves"))


CASES: tuple[Case, ...] = (
    Case(add_positions_backward, "learned table", add_positions),
    Case(add_positions_backward, "starting at 2", partial(add_positions, start=2)),
    Case(concat_positions_backward, "learned table", concat_positions),
    Case(concat_positions_backward, "starting at 1", partial(concat_positions, start=1)),
    Case(sinusoids_backward, "places 0 to 6", partial(sinusoids, positions=np.arange(S))),
    Case(sinusoids_backward, "distances", partial(sinusoids, positions=np.array([2.5, 0.0, -1.0, -7.25]))),
    Case(Positions, "learned frequencies", frequencies),
    Case(ConcatPositions, "learned", partial(concat_layer, kind="learned")),
    Case(ConcatPositions, "sinusoidal", partial(concat_layer, kind="sinusoidal")),
    Case(rotary_backward, "halves, a part of the width", partial(rotary, layout="halves")),
    Case(rotary_backward, "halves, the whole width", partial(rotary, layout="halves", width=10)),
    Case(rotary_backward, "pairs, a part of the width", partial(rotary, layout="pairs")),
    Case(rotary_backward, "pairs, own positions in each sequence", partial(rotary, layout="pairs", lead=(B, 1))),
)

CONTROLS: tuple[Control, ...] = (
    Control("add_positions", "the table gradient is a mean", positions_averaged, add_positions),
    Control("add_positions", "the start is ignored", positions_from_the_top, partial(add_positions, start=2)),
    Control("concat_positions", "the parts are swapped", concat_positions_from_the_front, concat_positions),
    Control(
        "sinusoids",
        "the position is left out",
        sinusoids_position_forgotten,
        partial(sinusoids, positions=np.arange(S)),
    ),
    Control("sinusoids", "cos' = + sin", sinusoids_minus_lost, partial(sinusoids, positions=np.arange(S))),
    Control("rotary", "turned by a instead of -a", rotary_turned_further, partial(rotary, layout="halves")),
    Control("rotary", "undone in the other layout", rotary_other_layout, partial(rotary, layout="pairs")),
)
