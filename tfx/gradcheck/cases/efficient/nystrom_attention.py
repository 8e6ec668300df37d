"""Cases of tfx/efficient/nystrom_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.nystrom_attention import nystrom_attention_backward, nystrom_attention_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import PADDED, Rng, S, T, heads


def nystrom_attention(rng: Rng, n_queries: int = T, n_keys: int = S, **fixed: Any) -> Problem:
    inputs = heads(rng, n_queries, n_keys)
    settings = {"n_landmarks": 3, "n_iterations": 3, **fixed}
    return Problem(nystrom_attention_forward, nystrom_attention_backward, inputs, settings)


CASES: tuple[Case, ...] = (
    Case(nystrom_attention_backward, "plain", nystrom_attention),
    Case(nystrom_attention_backward, "padded", lambda rng: nystrom_attention(rng, mask=PADDED)),
    Case(
        nystrom_attention_backward,
        "self-attention, a segment of padding",
        lambda rng: nystrom_attention(rng, S, S, mask=PADDED, scale=0.9),
    ),
    Case(
        nystrom_attention_backward,
        "more landmarks than tokens",
        lambda rng: nystrom_attention(rng, n_landmarks=20, n_iterations=2),
    ),
)
