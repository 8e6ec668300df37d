"""Cases of tfx/ops/attention/attention_reconstruction.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, D, H, Rng, S, T
from tfx.ops.attention.attention_reconstruction import (
    attention_reconstruction_backward,
    attention_reconstruction_forward,
)


def reconstruction(rng: Rng) -> Problem:
    inputs = {"new_k": rng.standard_normal((B, H, 3, D)), "new_v": rng.standard_normal((B, H, 3, DV))}
    fixed = {"q": rng.standard_normal((B, H, T, D))}
    fixed |= {"old_k": rng.standard_normal((B, H, S, D)), "old_v": rng.standard_normal((B, H, S, DV))}
    return Problem(attention_reconstruction_forward, attention_reconstruction_backward, inputs, fixed)


CASES: tuple[Case, ...] = (Case(attention_reconstruction_backward, "three places for seven", reconstruction),)
