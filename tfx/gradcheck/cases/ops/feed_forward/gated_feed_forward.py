"""Cases of tfx/ops/feed_forward/gated_feed_forward.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.basics.linear import linear_forward
from tfx.ops.feed_forward.gated import GATES
from tfx.ops.feed_forward.gated_feed_forward import gated_feed_forward_backward, gated_feed_forward_forward


def gated_feed_forward(rng: Rng, gate: str = "swiglu", bias: bool = True) -> Problem:
    """Small, and drawn again until no gate of a reglu is near its kink."""
    lead, width, hidden = (B, 3), 4, 5
    shapes = {"x": (*lead, width), "w_gate": (width, hidden), "w_up": (width, hidden), "w_down": (hidden, width)}
    biases = {"b_gate": (hidden,), "b_up": (hidden,), "b_down": (width,)}
    while True:
        inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
        inputs |= {name: rng.standard_normal(shape) for name, shape in biases.items() if bias}
        before, _ = linear_forward(inputs["x"], inputs["w_gate"], inputs.get("b_gate"))
        if gate != "reglu" or np.abs(before).min() > 0.1:
            break
    fixed: dict[str, Any] = {"gate": gate} | ({} if bias else dict.fromkeys(biases))
    return Problem(gated_feed_forward_forward, gated_feed_forward_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    *(Case(gated_feed_forward_backward, gate, partial(gated_feed_forward, gate=gate)) for gate in GATES),
    Case(gated_feed_forward_backward, "no bias", partial(gated_feed_forward, bias=False)),
)
