"""Cases of tfx/ops/attention/head_mask.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, D, H, Rng, T
from tfx.ops.attention.head_mask import head_mask_backward, head_mask_forward


def head_mask(rng: Rng) -> Problem:
    inputs = {"heads": rng.standard_normal((B, H, T, D)), "xi": rng.standard_normal(H)}
    return Problem(head_mask_forward, head_mask_backward, inputs)


CASES: tuple[Case, ...] = (Case(head_mask_backward, "random factors", head_mask),)
