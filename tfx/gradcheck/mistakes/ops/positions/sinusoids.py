"""Known mistakes in tfx/ops/positions/sinusoids.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.sinusoids import sinusoids
from tfx.gradcheck.cases.sizes import S
from tfx.gradcheck.mistake import Mistake
from tfx.ops.positions.sinusoids import SinusoidsCache, sinusoids_backward


def sinusoids_position_forgotten(dy: Any, cache: SinusoidsCache) -> Any:
    return sinusoids_backward(dy, cache._replace(positions=np.ones_like(cache.positions)))


def sinusoids_minus_lost(dy: Any, cache: SinusoidsCache) -> Any:
    return sinusoids_backward(dy, cache._replace(sines=-cache.sines))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="sinusoids",
        name="position-forgotten",
        says="the position is left out",
        why="Speed and position are multiplied into one angle, and the angle is treated as the variable.",
        hint="By what factor does the angle move when the speed moves?",
        problem=partial(sinusoids, positions=np.arange(S)),
        wrong_backward=sinusoids_position_forgotten,
    ),
    Mistake(
        op="sinusoids",
        name="cosine-sign",
        says="cos' = + sin",
        why="Sine and cosine are derivatives of each other only up to a sign.",
        hint="Is the cosine rising or falling just to the right of 0?",
        problem=partial(sinusoids, positions=np.arange(S)),
        wrong_backward=sinusoids_minus_lost,
    ),
)
