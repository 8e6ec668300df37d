"""Cases of tfx/efficient/tiled_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T, heads, some_allowed


def tiled(rng: Rng, lead_kv: tuple[int, ...] = (B, H), **settings: Any) -> Problem:
    inputs = heads(rng, lead_kv=lead_kv)
    return Problem(tiled_attention_forward, tiled_attention_backward, inputs, {"block_q": 2, "block_k": 3, **settings})


def tiled_masked(rng: Rng, **settings: Any) -> Problem:
    mask = some_allowed(rng, (B, H, T, S))
    mask[0, 1, 2] = False
    return tiled(rng, mask=mask, **settings)


CASES: tuple[Case, ...] = (
    Case(tiled_attention_backward, "plain", tiled),
    Case(tiled_attention_backward, "one tile", lambda rng: tiled(rng, block_q=T, block_k=S)),
    Case(tiled_attention_backward, "tiles of one", lambda rng: tiled(rng, block_q=1, block_k=1)),
    Case(tiled_attention_backward, "random mask, blocked row", tiled_masked),
    Case(tiled_attention_backward, "causal and masked", lambda rng: tiled_masked(rng, causal=True)),
    Case(tiled_attention_backward, "dropout", lambda rng: tiled_masked(rng, rate=0.3, seed=5)),
    Case(tiled_attention_backward, "keys and values for all heads", lambda rng: tiled(rng, lead_kv=(B, 1), scale=0.9)),
)
