"""Cases of tfx/efficient/sparse_transformer.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.efficient.sparse_transformer import sparse_transformer_attention_backward, sparse_transformer_attention_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import Rng, S, T, heads


def sparse_transformer(rng: Rng, n_queries: int = S, **settings: Any) -> Problem:
    forward, backward = sparse_transformer_attention_forward, sparse_transformer_attention_backward
    return Problem(forward, backward, heads(rng, n_queries), {"stride": 3, **settings})


CASES: tuple[Case, ...] = (
    *(
        Case(
            sparse_transformer_attention_backward,
            f"{pattern}, {part}",
            partial(sparse_transformer, pattern=pattern, part=part),
        )
        for pattern in ("strided", "fixed")
        for part in ("split", "merged")
    ),
    Case(sparse_transformer_attention_backward, "stored keys", lambda rng: sparse_transformer(rng, T, pattern="fixed")),
)
