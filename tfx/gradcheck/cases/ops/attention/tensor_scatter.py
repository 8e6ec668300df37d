"""Cases of tfx/ops/attention/tensor_scatter.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, H, Rng, S, T
from tfx.ops.attention.tensor_scatter import tensor_scatter_backward, tensor_scatter_forward


def scatter(rng: Rng, lead: tuple[int, ...] = (H,), tail: tuple[int, ...] = (DV,), **fixed: Any) -> Problem:
    inputs = {
        "past": rng.standard_normal((B, *lead, S, *tail)),
        "update": rng.standard_normal((B, *lead, T, *tail)),
    }
    return Problem(tensor_scatter_forward, tensor_scatter_backward, inputs, fixed)


OWN_PLACES = partial(scatter, starts=np.array([1, S - T]))


CIRCULAR = partial(scatter, starts=np.array([S - 2, S + 3]), circular=True)


CASES: tuple[Case, ...] = (
    Case(tensor_scatter_backward, "rows at places of their own", OWN_PLACES),
    Case(tensor_scatter_backward, "circular", CIRCULAR),
    Case(
        tensor_scatter_backward, "from the first place, tokens last", partial(scatter, lead=(H, DV), tail=(), axis=-1)
    ),
    Case(
        tensor_scatter_backward,
        "tokens second",
        partial(scatter, lead=(), tail=(H, DV), starts=np.array([0, 2]), axis=1),
    ),
)
