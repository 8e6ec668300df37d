"""Cases of tfx/nn/dynamic_position_bias.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.relative_bias import position_bias
from tfx.gradcheck.cases.sizes import F, H, Rng, T
from tfx.nn.dynamic_position_bias import ContinuousNetwork, DynamicNetwork, DynamicPositionBias

#: Small steps in a network of several layers would cross kinks of ReLU, which has its own cases.
SMOOTH = "gelu"


def network(rng: Rng, build: Any) -> Problem:
    return layer_problem(build(2, F, H, rng, SMOOTH), rng, {}, {"offsets": rng.standard_normal((T, 2))})


CASES: tuple[Case, ...] = (
    Case(DynamicNetwork, "two axes", partial(network, build=DynamicNetwork)),
    Case(ContinuousNetwork, "two axes", partial(network, build=ContinuousNetwork)),
    *(
        Case(DynamicPositionBias, f"{kind}, a line", partial(position_bias, build=build))
        for kind, build in (
            ("dynamic", lambda rng: DynamicPositionBias(H, F, rng, activation=SMOOTH)),
            ("continuous", lambda rng: DynamicPositionBias(H, F, rng, "continuous", activation=SMOOTH)),
        )
    ),
    Case(
        DynamicPositionBias,
        "a grid",
        partial(
            position_bias,
            build=lambda rng: DynamicPositionBias(H, F, rng, "continuous", (2, 3), SMOOTH),
            n_queries=6,
            n_keys=6,
            past=0,
        ),
    ),
)
