"""Cases of tfx/ops/losses/glove_loss.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import Rng, T
from tfx.ops.losses.glove_loss import glove_loss_backward, glove_loss_forward

D = 4


def glove(rng: Rng, **settings: float) -> Problem:
    inputs = {"word": rng.standard_normal((T, D)), "context": rng.standard_normal((T, D))}
    inputs |= {"word_offset": rng.standard_normal(T), "context_offset": rng.standard_normal(T)}
    counts = np.array([0.5, 1.0, 99.0, 100.0, 5000.0])
    return Problem(glove_loss_forward, glove_loss_backward, inputs, {"counts": counts, **settings})


CASES: tuple[Case, ...] = (
    Case(glove_loss_backward, "counts below, at and above the ceiling", glove),
    Case(glove_loss_backward, "low ceiling, power 1/2", partial(glove, ceiling=2.0, power=0.5)),
)
