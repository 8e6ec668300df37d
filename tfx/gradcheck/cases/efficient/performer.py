"""Cases of tfx/efficient/performer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.performer import performer_backward, performer_forward, random_features
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import PADDED, B, D, H, Rng, heads


def performer(rng: Rng, lead_kv: tuple[int, ...] = (B, H), **fixed: Any) -> Problem:
    fixed = {"w": random_features(6, D, seed=1), **fixed}
    return Problem(performer_forward, performer_backward, heads(rng, lead_kv=lead_kv), fixed)


CASES: tuple[Case, ...] = (
    Case(performer_backward, "plain", performer),
    Case(performer_backward, "padded, scaled", lambda rng: performer(rng, (B, 1), mask=PADDED, scale=0.9)),
    Case(performer_backward, "causal", lambda rng: performer(rng, causal=True, chunk=2)),
)
