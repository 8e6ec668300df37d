"""Known mistakes in tfx/ops/feed_forward/gated.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.gated import glu, split_glu
from tfx.gradcheck.mistake import Mistake
from tfx.ops.feed_forward.gated import GluCache, SplitGluCache, glu_backward, split_glu_backward


def glu_gate_is_constant(dy: Any, cache: GluCache) -> Any:
    return 0 * dy, dy * cache.gate


def glu_halves_mixed_up(dy: Any, cache: GluCache) -> Any:
    return glu_backward(dy, cache)[::-1]


def split_glu_other_half(dy: Any, cache: SplitGluCache) -> Any:
    return split_glu_backward(dy, cache._replace(gate_first=not cache.gate_first))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="glu",
        name="gate-is-constant",
        says="the gate is taken for a constant",
        why="A gate is thought of as a switch and not as a number that is learned.",
        hint="The output is a product of two factors; both were computed from inputs.",
        problem=partial(glu, gate="glu"),
        wrong_backward=glu_gate_is_constant,
    ),
    Mistake(
        op="glu",
        name="gate-and-value-swapped",
        says="gate and value are mixed up",
        why="Two arrays of the same shape stand in an order that differs from paper to paper.",
        hint="Which of the two went through the activation?",
        problem=partial(glu, gate="swiglu"),
        wrong_backward=glu_halves_mixed_up,
    ),
    Mistake(
        op="split_glu",
        name="halves-swapped",
        says="the halves are swapped",
        why="Libraries disagree on which half is the gate.",
        hint="Does the forward pass put the gate first or second?",
        problem=split_glu,
        wrong_backward=split_glu_other_half,
    ),
)
