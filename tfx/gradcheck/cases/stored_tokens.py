"""Tokens written into a store, row by row, and rows that begin at places of their own."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T
from tfx.nn.positions import Positions
from tfx.ops.attention.tensor_scatter import TensorScatterCache, tensor_scatter_backward, tensor_scatter_forward


def scatter(rng: Rng, lead: tuple[int, ...] = (H,), tail: tuple[int, ...] = (DV,), **fixed: Any) -> Problem:
    inputs = {
        "past": rng.standard_normal((B, *lead, S, *tail)),
        "update": rng.standard_normal((B, *lead, T, *tail)),
    }
    return Problem(tensor_scatter_forward, tensor_scatter_backward, inputs, fixed)


def positions_by_row(rng: Rng, kind: str) -> Problem:
    layer = Positions(kind, S, 2 * D, rng)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 2 * D))}, {"start": np.array([S - T, -2])})


def scatter_past_kept(dy: Any, cache: TensorScatterCache) -> Any:
    """Forgets that what was written over no longer counts."""
    _, dupdate = tensor_scatter_backward(dy, cache)
    return dy, dupdate


def scatter_at_one_place(dy: Any, cache: TensorScatterCache) -> Any:
    """Reads every row's gradient where the first row wrote."""
    return tensor_scatter_backward(dy, cache._replace(places=cache.places[:1].repeat(len(cache.places), axis=0)))


OWN_PLACES = partial(scatter, starts=np.array([1, S - T]))
CIRCULAR = partial(scatter, starts=np.array([S - 2, S + 3]), circular=True)

CASES: tuple[Case, ...] = (
    Case(tensor_scatter_backward, "rows at places of their own", OWN_PLACES),
    Case(tensor_scatter_backward, "circular", CIRCULAR),
    Case(
        tensor_scatter_backward, "from the first place, tokens last", partial(scatter, lead=(H, DV), tail=(), axis=-1)
    ),
    Case(
        tensor_scatter_backward,
        "tokens second",
        partial(scatter, lead=(), tail=(H, DV), starts=np.array([0, 2]), axis=1),
    ),
    Case(Positions, "learned, a place for each row", partial(positions_by_row, kind="learned")),
    Case(Positions, "frequencies, a place for each row", partial(positions_by_row, kind="frequencies")),
    Case(Positions, "sinusoidal, a place for each row", partial(positions_by_row, kind="sinusoidal")),
)

CONTROLS: tuple[Control, ...] = (
    Control("tensor_scatter", "the past keeps what was written over", scatter_past_kept, OWN_PLACES),
    Control("tensor_scatter", "all rows write at one place", scatter_at_one_place, CIRCULAR),
)
