"""Cases of tfx/efficient/lsh_attention.py: gradients through everything but the hash."""

from __future__ import annotations

from typing import Any

from tfx.efficient.lsh_attention import lsh_attention_backward, lsh_attention_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, some_allowed


def qk_v(rng: Rng) -> dict[str, Any]:
    return {"qk": rng.standard_normal((B, H, S, D)), "v": rng.standard_normal((B, H, S, DV))}


def lsh(rng: Rng, **settings: Any) -> Problem:
    return Problem(lsh_attention_forward, lsh_attention_backward, qk_v(rng), {"n_buckets": 1, **settings})


def given_buckets(rng: Rng, **settings: Any) -> Problem:
    """Buckets that no step along an input can move; some tokens find nobody else."""
    buckets = rng.integers(0, 3, size=(B, H, 3, S))
    return lsh(rng, n_buckets=4, chunk=2, buckets=buckets, **settings)


def masked(rng: Rng) -> Problem:
    mask = some_allowed(rng, (B, 1, S, S))
    mask[0, 0, 3] = False
    return given_buckets(rng, mask=mask, causal=True, eps=0.1, scale=0.9)


CASES: tuple[Case, ...] = (
    Case(lsh_attention_backward, "one bucket", lsh),
    Case(lsh_attention_backward, "one bucket, causal, eps", lambda rng: lsh(rng, causal=True, eps=0.1)),
    Case(lsh_attention_backward, "hashed, two rounds", lambda rng: lsh(rng, n_buckets=4, n_rounds=2, chunk=3)),
    Case(lsh_attention_backward, "three rounds that share pairs", given_buckets),
    Case(lsh_attention_backward, "mask, blocked row, causal, three rounds", masked),
)
