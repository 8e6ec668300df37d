"""Cases of tfx/ops/basics/clip.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.ops.recurrence.through_time import STEPS, WIDTH
from tfx.gradcheck.cases.sizes import B, Rng, off_zero
from tfx.ops.basics.clip import clip_backward, clip_forward


def clip(rng: Rng, limit: float | None = 0.8) -> Problem:
    x = off_zero(rng.standard_normal((B, STEPS, WIDTH)))
    near = np.abs(np.abs(x) - 0.8) < 0.05
    return Problem(clip_forward, clip_backward, {"x": np.where(near, 0.5 * x, x)}, {"limit": limit})


CASES: tuple[Case, ...] = (
    Case(clip_backward, "some beyond the limit", clip),
    Case(clip_backward, "no limit", partial(clip, limit=None)),
)
