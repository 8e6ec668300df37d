"""Known mistakes in tfx/ops/feed_forward/erf.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.feed_forward.erf import erf
from tfx.gradcheck.mistake import Mistake
from tfx.ops.feed_forward.erf import ErfCache


def erf_as_the_normal_density(dy: Any, cache: ErfCache) -> Any:
    return dy * np.exp(-cache.x * cache.x / 2) / math.sqrt(2 * math.pi)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="erf",
        name="normal-density",
        says="the normal density",
        why="erf and the normal distribution function differ by scale and shift, and so do their derivatives.",
        hint="Is the derivative of erf at 0 about 0.4 or about 1.1?",
        problem=erf,
        wrong_backward=erf_as_the_normal_density,
    ),
)
