"""Cases of tfx/ops/grids/convolution.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T
from tfx.ops.grids.convolution import convolution_backward, convolution_forward

CIN, COUT, K = 4, 6, 3


def convolution(
    rng: Rng, spatial: tuple[int, ...] = (S,), kernel: tuple[int, ...] = (K,), bias: bool = True, **settings: Any
) -> Problem:
    groups = settings.get("groups", 1)
    inputs = {
        "x": rng.standard_normal((B, CIN, *spatial)),
        "w": rng.standard_normal((COUT if groups < CIN else 2 * CIN, CIN // groups, *kernel)),
    }
    if bias:
        inputs["b"] = rng.standard_normal(len(inputs["w"]))
    return Problem(convolution_forward, convolution_backward, inputs, settings)


CASES: tuple[Case, ...] = (
    Case(convolution_backward, "one axis", convolution),
    Case(
        convolution_backward, "dilated, causal, no bias", partial(convolution, bias=False, padding="causal", dilation=2)
    ),
    Case(convolution_backward, "stride 2, same", partial(convolution, padding="same", stride=2)),
    Case(
        convolution_backward,
        "two axes, everything different",
        partial(
            convolution,
            spatial=(S, T),
            kernel=(3, 2),
            stride=(2, 1),
            padding=[(2, 1), 1],
            dilation=(1, 2),
            groups=2,
        ),
    ),
    Case(convolution_backward, "depthwise, two kernels a channel", partial(convolution, groups=CIN, padding=1)),
    Case(convolution_backward, "three axes", partial(convolution, spatial=(3, 2, 4), kernel=(2, 1, 3))),
)
