"""Cases of tfx/ops/low_rank/lora_linear.py: the frozen matrix has no gradient."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.nn.sizes import sequences
from tfx.gradcheck.cases.ops.low_rank.low_rank_update import low_rank_update
from tfx.gradcheck.cases.sizes import F, Rng
from tfx.ops.low_rank.lora_linear import lora_linear_backward, lora_linear_forward


def lora_linear(rng: Rng, bias: bool = True) -> Problem:
    made = low_rank_update(rng).inputs
    fixed = {"w": made["w"], "bias": rng.standard_normal(F) if bias else None, "scale": 1.7}
    return Problem(
        lora_linear_forward, lora_linear_backward, {"x": sequences(rng), "a": made["a"], "b": made["b"]}, fixed
    )


CASES: tuple[Case, ...] = (
    Case(lora_linear_backward, "rank 2, offset", lora_linear),
    Case(lora_linear_backward, "rank 2", partial(lora_linear, bias=False)),
)
