"""Cases of tfx/ops/attention/transformer_xl.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, D, H, Rng, S, T, heads, some_allowed
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.transformer_xl import transformer_xl_attention_backward, transformer_xl_attention_forward
from tfx.ops.basics.dropout import dropout_mask


def transformer_xl(rng: Rng, n_offsets: int = T + S - 1, **fixed: Any) -> Problem:
    inputs = heads(rng) | {"r": rng.standard_normal((H, n_offsets, D))}
    inputs |= {name: rng.standard_normal((H, D)) for name in ("u", "w")}
    return Problem(transformer_xl_attention_forward, transformer_xl_attention_backward, inputs, fixed)


def transformer_xl_masked(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    mask[0, 1, 2] = False
    return transformer_xl(rng, mask=mask, dropout=dropout_mask((B, H, T, S), 0.3, rng), scale=0.8)


CASES: tuple[Case, ...] = (
    Case(transformer_xl_attention_backward, "both ways, memory", transformer_xl),
    Case(
        transformer_xl_attention_backward,
        "causal, memory",
        partial(transformer_xl, n_offsets=S, mask=causal_mask(T, S, past=S - T)),
    ),
    Case(transformer_xl_attention_backward, "a fully blocked row, dropout, scale 0.8", transformer_xl_masked),
)
