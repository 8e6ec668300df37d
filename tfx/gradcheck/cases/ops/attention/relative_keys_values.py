"""Cases of tfx/ops/attention/relative_keys_values.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, D, Rng, S, T, blocked_row_and_dropout, heads
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.relative_keys_values import (
    relative_keys_values_attention_backward,
    relative_keys_values_attention_forward,
)


def relative_keys_values(rng: Rng, c: int = 2, **fixed: Any) -> Problem:
    inputs = heads(rng) | {"a_k": rng.standard_normal((2 * c + 1, D)), "a_v": rng.standard_normal((2 * c + 1, DV))}
    return Problem(relative_keys_values_attention_forward, relative_keys_values_attention_backward, inputs, fixed)


def relative_keys_values_masked(rng: Rng) -> Problem:
    return relative_keys_values(rng, **blocked_row_and_dropout(rng, (1, 0, 3)))


CASES: tuple[Case, ...] = (
    Case(relative_keys_values_attention_backward, "cut off at 2", relative_keys_values),
    Case(relative_keys_values_attention_backward, "cut off at 0", partial(relative_keys_values, c=0)),
    Case(
        relative_keys_values_attention_backward,
        "cut off beyond the last key, causal after stored keys",
        partial(relative_keys_values, c=9, past=S - T, mask=causal_mask(T, S, past=S - T)),
    ),
    Case(
        relative_keys_values_attention_backward, "a fully blocked row, dropout, scale 0.8", relative_keys_values_masked
    ),
)
