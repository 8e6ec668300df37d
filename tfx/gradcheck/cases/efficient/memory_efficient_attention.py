"""Cases of tfx/efficient/memory_efficient_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.memory_efficient_attention import (
    memory_efficient_attention_backward,
    memory_efficient_attention_forward,
)
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.efficient.tiled_attention import tiled_masked
from tfx.gradcheck.cases.sizes import B, H, Rng, heads


def memory_efficient(rng: Rng, lead_kv: tuple[int, ...] = (B, H), **settings: Any) -> Problem:
    inputs = heads(rng, lead_kv=lead_kv)
    forward, backward = memory_efficient_attention_forward, memory_efficient_attention_backward
    return Problem(forward, backward, inputs, {"chunk": 2, **settings})


def memory_efficient_masked(rng: Rng, **settings: Any) -> Problem:
    return memory_efficient(rng, mask=tiled_masked(rng).fixed["mask"], **settings)


CASES: tuple[Case, ...] = (
    Case(memory_efficient_attention_backward, "plain", memory_efficient),
    Case(memory_efficient_attention_backward, "random mask, blocked row", memory_efficient_masked),
    Case(memory_efficient_attention_backward, "causal", lambda rng: memory_efficient_masked(rng, causal=True)),
    Case(memory_efficient_attention_backward, "kept", lambda rng: memory_efficient(rng, causal=True, keep=True)),
    Case(
        memory_efficient_attention_backward, "keys for all heads", lambda rng: memory_efficient(rng, (B, 1), scale=2.0)
    ),
)
