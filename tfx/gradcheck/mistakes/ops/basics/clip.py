"""Known mistakes in tfx/ops/basics/clip.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.clip import clip
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.clip import ClipCache


@wrong_backward(clip)
def clipped_answers(dy: Any, cache: ClipCache) -> Any:
    """What was clipped gets a gradient.

    Why: Clipping changes few numbers, so its derivative is taken to be 1.
    Hint: What does the output do when a number beyond the limit moves a little?
    """
    return dy
