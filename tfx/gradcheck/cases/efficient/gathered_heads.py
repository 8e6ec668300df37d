"""Cases of tfx/efficient/gathered_heads.py."""

from __future__ import annotations

from tfx.efficient.gathered_attention import gathering_of_mask
from tfx.efficient.gathered_heads import gathered_heads_backward, gathered_heads_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T, heads, some_allowed


def gathered_heads(rng: Rng, lead_kv: tuple[int, ...] = (B, H)) -> Problem:
    """The first and the third head read one way, the second another."""
    ways = [gathering_of_mask(some_allowed(rng, (T, S))) for _ in range(2)]
    groups = [(slice(0, None, 2), ways[0]), (slice(1, 2), ways[1])]
    inputs = heads(rng, lead_kv=lead_kv)
    return Problem(gathered_heads_forward, gathered_heads_backward, inputs, {"groups": groups})


CASES: tuple[Case, ...] = (
    Case(gathered_heads_backward, "two groups", gathered_heads),
    Case(gathered_heads_backward, "two groups, one head of keys", lambda rng: gathered_heads(rng, (B, 1))),
)
