"""Known mistakes in tfx/ops/feed_forward/erf.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.feed_forward.erf import erf
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.feed_forward.erf import ErfCache


@wrong_backward(erf)
def normal_density(dy: Any, cache: ErfCache) -> Any:
    """The normal density.

    Why: erf is met inside the normal distribution function, and the bell curve is that function's derivative.
    Hint: Is the derivative of erf at 0 about 0.4 or about 1.1?
    """
    return dy * np.exp(-cache.x * cache.x / 2) / math.sqrt(2 * math.pi)
