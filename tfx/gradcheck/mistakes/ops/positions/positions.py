"""Known mistakes in tfx/ops/positions/positions.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.positions import add_positions, concat_positions
from tfx.gradcheck.mistake import Mistake
from tfx.ops.positions.positions import PositionsCache, add_positions_backward, concat_positions_backward


def positions_averaged(dy: Any, cache: PositionsCache) -> Any:
    dx, dtable = add_positions_backward(dy, cache)
    return dx, dtable / len(dy)


def positions_from_the_top(dy: Any, cache: PositionsCache) -> Any:
    return add_positions_backward(dy, cache._replace(start=0))


def concat_positions_from_the_front(dy: Any, cache: PositionsCache) -> Any:
    """The columns of the table are taken to stand in front of x."""
    width = cache.table.shape[-1]
    return concat_positions_backward(np.concatenate((dy[..., width:], dy[..., :width]), axis=-1), cache)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="add_positions",
        name="table-averaged",
        says="the table gradient is a mean",
        why="All sequences of a batch share the table, and sharing suggests an average.",
        hint="If one row of the table moves, how many sequences move with it?",
        problem=add_positions,
        wrong_backward=positions_averaged,
    ),
    Mistake(
        op="add_positions",
        name="start-ignored",
        says="the start is ignored",
        why="Positions usually begin at 0, and with stored tokens they do not.",
        hint="Which rows of the table did the forward pass add?",
        problem=partial(add_positions, start=2),
        wrong_backward=positions_from_the_top,
    ),
    Mistake(
        op="concat_positions",
        name="parts-swapped",
        says="the parts are swapped",
        why="Both parts have been joined along one axis, and their order is not written in the result.",
        hint="Which columns of the output came from x?",
        problem=concat_positions,
        wrong_backward=concat_positions_from_the_front,
    ),
)
