"""Cases of tfx/efficient/linformer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.linformer import linformer_backward, linformer_forward
from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import PADDED, H, Rng, heads

MIXED, LONGEST = 3, 9


def linformer(rng: Rng, lead: tuple[int, ...] = (), shared: bool = False, **fixed: Any) -> Problem:
    inputs = heads(rng) | {"e": rng.standard_normal((*lead, MIXED, LONGEST))}
    if not shared:
        inputs["f"] = rng.standard_normal((*lead, MIXED, LONGEST))
    return Problem(linformer_forward, linformer_backward, inputs, fixed)


CASES: tuple[Case, ...] = (
    Case(linformer_backward, "one matrix for keys and values", lambda rng: linformer(rng, shared=True)),
    Case(linformer_backward, "padded", lambda rng: linformer(rng, mask=PADDED)),
    Case(linformer_backward, "of each head, scaled", lambda rng: linformer(rng, (H,), scale=0.9)),
)
