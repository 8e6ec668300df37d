"""Cases of tfx/ops/attention/transformer_xl.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import D, H, Rng, S, T, blocked_row_and_dropout, heads
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.transformer_xl import transformer_xl_attention_backward, transformer_xl_attention_forward


def transformer_xl(rng: Rng, n_offsets: int = T + S - 1, **fixed: Any) -> Problem:
    inputs = heads(rng) | {"r": rng.standard_normal((H, n_offsets, D))}
    inputs |= {name: rng.standard_normal((H, D)) for name in ("u", "w")}
    return Problem(transformer_xl_attention_forward, transformer_xl_attention_backward, inputs, fixed)


def transformer_xl_masked(rng: Rng) -> Problem:
    return transformer_xl(rng, **blocked_row_and_dropout(rng, (0, 1, 2)))


CASES: tuple[Case, ...] = (
    Case(transformer_xl_attention_backward, "both ways, memory", transformer_xl),
    Case(
        transformer_xl_attention_backward,
        "causal, memory",
        partial(transformer_xl, n_offsets=S, mask=causal_mask(T, S, past=S - T)),
    ),
    Case(transformer_xl_attention_backward, "a fully blocked row, dropout, scale 0.8", transformer_xl_masked),
)
