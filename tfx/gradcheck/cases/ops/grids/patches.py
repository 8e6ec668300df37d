"""Cases of tfx/ops/grids/patches.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import B, Rng
from tfx.ops.grids.patches import patches_backward, patches_forward

CHANNELS = 3


def images(rng: Rng, height: int, width: int) -> np.ndarray:
    return rng.standard_normal((B, height, width, CHANNELS))


def patches(rng: Rng, height: int = 4, width: int = 6, patch: int = 2) -> Problem:
    return Problem(patches_forward, patches_backward, {"images": images(rng, height, width)}, {"patch": patch})


CASES: tuple[Case, ...] = (
    Case(patches_backward, "squares of 2", patches),
    Case(patches_backward, "squares of 3, one below the other", partial(patches, height=9, width=3, patch=3)),
    Case(patches_backward, "single pixels", partial(patches, height=2, width=3, patch=1)),
)
