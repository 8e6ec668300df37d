"""Cases of tfx/efficient/big_bird.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.big_bird import big_bird_attention_backward, big_bird_attention_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import Rng, S, T, heads


def big_bird(rng: Rng, n_queries: int = S, **settings: Any) -> Problem:
    fixed = {"block": 2, "n_window": 1, **settings}
    return Problem(big_bird_attention_forward, big_bird_attention_backward, heads(rng, n_queries), fixed)


CASES: tuple[Case, ...] = (
    Case(big_bird_attention_backward, "window, global, random", big_bird),
    Case(big_bird_attention_backward, "causal", lambda rng: big_bird(rng, causal=True, seed=3)),
    Case(big_bird_attention_backward, "stored keys, no global block", lambda rng: big_bird(rng, T, n_global=0)),
)
