"""Known mistakes in tfx/ops/positions/rotary.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.positions.rotary import rotary
from tfx.gradcheck.mistake import Mistake
from tfx.ops.positions.rotary import RotaryCache, rotary_backward, rotary_forward


def rotary_turned_further(dy: Any, cache: RotaryCache) -> Any:
    """The backward turns by a instead of back by -a."""
    return rotary_forward(dy, cache.cos, cache.sin, cache.layout)[0]


def rotary_other_layout(dy: Any, cache: RotaryCache) -> Any:
    return rotary_backward(dy, cache._replace(layout="pairs" if cache.layout == "halves" else "halves"))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="rotary",
        name="turned-the-same-way",
        says="turned by a instead of -a",
        why="The backward is written by calling the forward again on the gradient.",
        hint="The transpose of a rotation is a rotation too: by which angle?",
        problem=partial(rotary, layout="halves"),
        wrong_backward=rotary_turned_further,
    ),
    Mistake(
        op="rotary",
        name="other-layout",
        says="undone in the other layout",
        why="There are two conventions for which features form a pair, and libraries disagree.",
        hint="Which feature is turned together with feature 0: its neighbour, or one half of the width away?",
        problem=partial(rotary, layout="pairs"),
        wrong_backward=rotary_other_layout,
    ),
)
