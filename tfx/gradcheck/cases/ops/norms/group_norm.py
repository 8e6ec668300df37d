"""Cases of tfx/ops/norms/group_norm.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.norms.group_norm import group_norm_backward, group_norm_forward


def group_norm(rng: Rng, n_groups: int = 2, eps: float = 1e-5, names: tuple[str, ...] = ("gamma", "beta")) -> Problem:
    gain_and_offset = {"gamma": rng.standard_normal(6), "beta": rng.standard_normal(6)}
    inputs = {"x": rng.standard_normal((B, 6, 3, 2)) + 0.5} | {name: gain_and_offset[name] for name in names}
    return Problem(group_norm_forward, group_norm_backward, inputs, {"n_groups": n_groups, "eps": eps})


CASES: tuple[Case, ...] = (
    Case(group_norm_backward, "two groups", group_norm),
    Case(group_norm_backward, "each channel alone, large eps", partial(group_norm, n_groups=6, eps=0.7)),
    Case(group_norm_backward, "no gain, no offset", partial(group_norm, names=())),
)
