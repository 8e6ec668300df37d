"""Cases of tfx/ops/feed_forward/feed_forward.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.basics.linear import linear_forward
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward


def feed_forward(rng: Rng, name: str, bias: bool = True) -> Problem:
    """Small, because it is drawn again until no unit of a relu is near its kink."""
    lead, width, hidden = (B, 3), 4, 5
    while True:
        x, w1, w2 = (rng.standard_normal(shape) for shape in ((*lead, width), (width, hidden), (hidden, width)))
        b1, b2 = (rng.standard_normal(hidden), rng.standard_normal(width)) if bias else (None, None)
        if name != "relu" or np.abs(linear_forward(x, w1, b1)[0]).min() > 0.1:
            break
    inputs = {"x": x, "w1": w1, "w2": w2} | ({"b1": b1, "b2": b2} if bias else {})
    fixed: dict[str, Any] = {"activation": name} | ({} if bias else {"b1": None, "b2": None})
    return Problem(feed_forward_forward, feed_forward_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(feed_forward_backward, "gelu", partial(feed_forward, name="gelu")),
    Case(feed_forward_backward, "gelu_tanh", partial(feed_forward, name="gelu_tanh")),
    Case(feed_forward_backward, "relu", partial(feed_forward, name="relu")),
    Case(feed_forward_backward, "no bias", partial(feed_forward, name="gelu", bias=False)),
)
