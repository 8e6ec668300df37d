"""Cases of tfx/ops/attention/self_attention.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, C, D, Rng, T
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward


def self_attention(rng: Rng, lead: tuple[int, ...] = (B,), **fixed: Any) -> Problem:
    widths = {"w_q": D, "w_k": D, "w_v": DV}
    inputs = {"x": rng.standard_normal((*lead, T, C))}
    inputs |= {name: 0.4 * rng.standard_normal((C, width)) for name, width in widths.items()}
    return Problem(self_attention_forward, self_attention_backward, inputs, fixed)


PADDING = padding_mask([T, 3], T)[:, 0]  # (B, 1, T)

CASES: tuple[Case, ...] = (
    Case(self_attention_backward, "batch of sequences", self_attention),
    Case(self_attention_backward, "one sequence, causal", partial(self_attention, lead=(), mask=causal_mask(T))),
    Case(
        self_attention_backward,
        "padding, scale 0.9",
        partial(self_attention, mask=PADDING, scale=0.9),
    ),
)
