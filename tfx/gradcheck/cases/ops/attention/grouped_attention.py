"""Cases of tfx/ops/attention/grouped_attention.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, D, Rng, S, T
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.basics.dropout import dropout_mask


def grouped(rng: Rng, n_heads: int = 6, n_groups: int = 2, bias: tuple[int, ...] = (6, T, S), **fixed: Any) -> Problem:
    shapes = {"q": (B, n_heads, T, D), "k": (B, n_groups, S, D), "v": (B, n_groups, S, DV), "bias": bias}
    inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return Problem(grouped_attention_forward, grouped_attention_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(grouped_attention_backward, "six heads over two", grouped),
    Case(grouped_attention_backward, "one for all, soft cap", partial(grouped, n_groups=1, bias=(T, S), soft_cap=2.0)),
    Case(grouped_attention_backward, "as many", partial(grouped, n_groups=6, bias=(B, 1, T, S))),
    Case(
        grouped_attention_backward,
        "mask and dropout of each head",
        lambda rng: grouped(
            rng, bias=(B, 1, T, S), mask=rng.random((B, 6, T, S)) < 0.7, dropout=dropout_mask((B, 6, T, S), 0.3, rng)
        ),
    ),
)
