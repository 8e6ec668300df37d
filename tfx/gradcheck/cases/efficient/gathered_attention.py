"""Cases of tfx/efficient/gathered_attention.py."""

from __future__ import annotations

import numpy as np

from tfx.efficient.gathered_attention import (
    gathered_attention_backward,
    gathered_attention_forward,
    gathering,
    gathering_of_mask,
)
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, H, Rng, S, T, heads, some_allowed


def gathered(rng: Rng, lead_kv: tuple[int, ...] = (B, H)) -> Problem:
    """Two blocks of three slots, one of them empty; keys that are read twice, and one that nobody reads."""
    queries, keys = np.array([[4, 0, 2], [1, -1, 3]]), np.array([[0, 1, 5, 6], [6, 1, -1, 2]])
    table = gathering(queries, keys, some_allowed(rng, (2, 3, 4)), T, S)
    fixed = {"mask": some_allowed(rng, (B, 1, T, S)), "table": table}
    return Problem(gathered_attention_forward, gathered_attention_backward, heads(rng, lead_kv=lead_kv), fixed)


def gathered_row_by_row(rng: Rng) -> Problem:
    mask = some_allowed(rng, (T, S))
    mask[2] = False
    fixed = {"table": gathering_of_mask(mask), "scale": 0.9}
    return Problem(gathered_attention_forward, gathered_attention_backward, heads(rng), fixed)


def gathered_with_whole_rows(rng: Rng) -> Problem:
    queries, keys = np.array([[0, 1, 2], [3, 4, -1]]), np.array([[0, 1, 2], [2, 3, 6]])
    table = gathering(queries, keys, np.ones((2, 3, 3), bool), T, S, rows=(1, 4), causal=True)
    fixed = {"mask": some_allowed(rng, (1, H, T, S)), "table": table}
    return Problem(gathered_attention_forward, gathered_attention_backward, heads(rng), fixed)


CASES: tuple[Case, ...] = (
    Case(gathered_attention_backward, "blocks, an empty slot, a mask", gathered),
    Case(gathered_attention_backward, "keys for all heads", lambda rng: gathered(rng, (B, 1))),
    Case(gathered_attention_backward, "blocks of one query, a blocked row", gathered_row_by_row),
    Case(gathered_attention_backward, "whole rows, a mask", gathered_with_whole_rows),
)
