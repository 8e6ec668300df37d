"""Known mistakes in tfx/ops/positions/positions.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.positions import add_positions, concat_positions
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.positions.positions import PositionsCache, add_positions_backward, concat_positions_backward


@wrong_backward(add_positions)
def table_averaged(dy: Any, cache: PositionsCache) -> Any:
    """The table gradient is a mean.

    Why: All sequences of a batch share the table, and sharing suggests an average.
    Hint: If one row of the table moves, how many sequences move with it?
    """
    dx, dtable = add_positions_backward(dy, cache)
    return dx, dtable / len(dy)


@wrong_backward(add_positions, start=2)
def start_ignored(dy: Any, cache: PositionsCache) -> Any:
    """The start is ignored.

    Why: Positions usually begin at 0, and with stored tokens they do not.
    Hint: Which rows of the table did the forward pass add?
    """
    return add_positions_backward(dy, cache._replace(start=0))


@wrong_backward(concat_positions)
def parts_swapped(dy: Any, cache: PositionsCache) -> Any:
    """The parts are swapped.

    The columns of the table are taken to stand in front of x.

    Why: Both parts have been joined along one axis, and their order is not written in the result.
    Hint: Which columns of the output came from x?
    """
    width = cache.table.shape[-1]
    return concat_positions_backward(np.concatenate((dy[..., width:], dy[..., :width]), axis=-1), cache)
