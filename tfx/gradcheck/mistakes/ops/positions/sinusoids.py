"""Known mistakes in tfx/ops/positions/sinusoids.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.positions.sinusoids import sinusoids
from tfx.gradcheck.cases.sizes import S
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.positions.sinusoids import SinusoidsCache, sinusoids_backward


@wrong_backward(sinusoids, positions=np.arange(S))
def position_forgotten(dy: Any, cache: SinusoidsCache) -> Any:
    """The position is left out.

    Why: Speed and position are multiplied into one angle, and the angle is treated as the variable.
    Hint: By what factor does the angle move when the speed moves?
    """
    return sinusoids_backward(dy, cache._replace(positions=np.ones_like(cache.positions)))


@wrong_backward(sinusoids, positions=np.arange(S))
def cosine_sign(dy: Any, cache: SinusoidsCache) -> Any:
    """cos' = + sin.

    Why: sin turns into cos without a sign, and the way back is taken to be the same.
    Hint: Is the cosine rising or falling just to the right of 0?
    """
    return sinusoids_backward(dy, cache._replace(sines=-cache.sines))
