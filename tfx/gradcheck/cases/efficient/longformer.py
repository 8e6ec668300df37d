"""Cases of tfx/efficient/longformer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.longformer import longformer_attention_backward, longformer_attention_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T, heads, some_allowed


def longformer(rng: Rng, lead_kv: tuple[int, ...] = (B, H), n_queries: int = S, **settings: Any) -> Problem:
    inputs = heads(rng, n_queries, lead_kv=lead_kv)
    return Problem(longformer_attention_forward, longformer_attention_backward, inputs, {"window": 1, **settings})


def longformer_with_everything(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, 1, S, S))
    return longformer(rng, mask=mask, dilation=(1, 2, 2), global_places=(0, 4), causal=True, scale=0.9)


CASES: tuple[Case, ...] = (
    Case(longformer_attention_backward, "window", longformer),
    Case(longformer_attention_backward, "window, global places", lambda rng: longformer(rng, global_places=(2, 5))),
    Case(longformer_attention_backward, "dilation by head, global, causal, mask", longformer_with_everything),
    Case(longformer_attention_backward, "stored keys", lambda rng: longformer(rng, n_queries=T, global_places=(1, 4))),
    Case(
        longformer_attention_backward,
        "keys for all heads, dilated",
        lambda rng: longformer(rng, (B, 1), dilation=(2, 1, 3), global_places=(3,)),
    ),
)
