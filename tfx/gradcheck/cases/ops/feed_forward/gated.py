"""Cases of tfx/ops/feed_forward/gated.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, F, Rng, T, off_zero
from tfx.ops.feed_forward.gated import GATES, glu_backward, glu_forward, split_glu_backward, split_glu_forward


def glu(rng: Rng, gate: str, **settings: Any) -> Problem:
    inputs = {"a": off_zero(rng.standard_normal((B, T, F))), "b": rng.standard_normal((B, T, F))}
    return Problem(glu_forward, glu_backward, inputs, {"activation": GATES[gate], **settings})


def split_glu(rng: Rng, axis: int = -1, gate_first: bool = False) -> Problem:
    x = rng.standard_normal((B, 4, 6))
    return Problem(split_glu_forward, split_glu_backward, {"x": x}, {"axis": axis, "gate_first": gate_first})


CASES: tuple[Case, ...] = (
    *(Case(glu_backward, gate, partial(glu, gate=gate)) for gate in GATES),
    Case(glu_backward, "swiglu, beta 1.7", partial(glu, gate="swiglu", beta=1.7)),
    Case(split_glu_backward, "gate second, as in torch", split_glu),
    Case(split_glu_backward, "gate first, middle axis", partial(split_glu, axis=1, gate_first=True)),
)
