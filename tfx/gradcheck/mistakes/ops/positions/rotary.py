"""Known mistakes in tfx/ops/positions/rotary.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.positions.rotary import rotary
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.positions.rotary import RotaryCache, rotary_backward, rotary_forward


@wrong_backward(rotary, layout="halves")
def turned_the_same_way(dy: Any, cache: RotaryCache) -> Any:
    """Turned by a instead of -a.

    Why: The backward is written by calling the forward again on the gradient.
    Hint: The transpose of a rotation is a rotation too: by which angle?
    """
    return rotary_forward(dy, cache.cos, cache.sin, cache.layout)[0]


@wrong_backward(rotary, layout="pairs")
def other_layout(dy: Any, cache: RotaryCache) -> Any:
    """Undone in the other layout.

    Why: There are two conventions for which features form a pair, and libraries disagree.
    Hint: Which feature is turned together with feature 0: its neighbour, or one half of the width away?
    """
    return rotary_backward(dy, cache._replace(layout="pairs" if cache.layout == "halves" else "halves"))
