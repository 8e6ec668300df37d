"""Recurrent networks."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, C, D, Rng, T
from tfx.ops.rnn import RnnCache, RnnGrads, rnn_backward, rnn_forward


def rnn(rng: Rng, steps: int = T) -> Problem:
    inputs = {"x": rng.standard_normal((B, steps, D)), "h0": rng.standard_normal((B, C))}
    inputs |= {"w_x": rng.standard_normal((D, C)), "w_h": 0.4 * rng.standard_normal((C, C))}
    inputs["b"] = rng.standard_normal(C)
    return Problem(rnn_forward, rnn_backward, inputs)


def rnn_without_time(dh: Any, cache: RnnCache) -> RnnGrads:
    """Every step is taken for the last: nothing flows back from the future."""
    return rnn_backward(dh, cache._replace(w_h=np.zeros_like(cache.w_h)))


CASES: tuple[Case, ...] = (
    Case(rnn_backward, "five steps", rnn),
    Case(rnn_backward, "one step", partial(rnn, steps=1)),
)

CONTROLS: tuple[Control, ...] = (Control("rnn", "nothing flows back through time", rnn_without_time, rnn),)
