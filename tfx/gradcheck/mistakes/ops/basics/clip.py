"""Known mistakes in tfx/ops/basics/clip.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.clip import clip
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.clip import ClipCache


def clip_not_at_all(dy: Any, cache: ClipCache) -> Any:
    return dy


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="clip",
        name="clipped-answers",
        says="what was clipped gets a gradient",
        why="Clipping changes few numbers, so its derivative is taken to be 1.",
        hint="What does the output do when a number beyond the limit moves a little?",
        problem=clip,
        wrong_backward=clip_not_at_all,
    ),
)
