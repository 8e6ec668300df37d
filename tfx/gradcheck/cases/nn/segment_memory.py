"""Cases of tfx/nn/segment_memory.py: memories count as constants, so only segment and parameters are checked."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, F, H, Rng, S, T
from tfx.nn.segment_memory import SegmentMemoryBlock, SegmentMemorySettings, SegmentMemoryStack

WIDTH, DIRECTIONS = 6, 1


def states(rng: Rng, length: int = T) -> Any:
    return rng.standard_normal((B, length, WIDTH))


def segment_block(rng: Rng, norm_place: str) -> Problem:
    layer = SegmentMemoryBlock(
        SegmentMemorySettings(WIDTH, H, F, norm_place=norm_place, activation="gelu", dropout=0.2), rng
    )
    fixed = {"memory": states(rng, S)}
    return layer_problem(layer, rng, {"x": states(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


def segment_stack(rng: Rng, norm_place: str) -> Problem:
    layer = SegmentMemoryStack(SegmentMemorySettings(WIDTH, H, F, 2, 4, norm_place=norm_place, activation="gelu"), rng)
    fixed = {"memory": (states(rng, 4), states(rng, 3))}
    return layer_problem(layer, rng, {"x": states(rng)}, fixed, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(SegmentMemoryBlock, "post-LN, memory, dropout", lambda rng: segment_block(rng, "post")),
    Case(SegmentMemoryBlock, "pre-LN, memory, dropout", lambda rng: segment_block(rng, "pre")),
    Case(SegmentMemoryStack, "post-LN, memories of different lengths", lambda rng: segment_stack(rng, "post")),
    Case(SegmentMemoryStack, "pre-LN, final norm", lambda rng: segment_stack(rng, "pre")),
)
