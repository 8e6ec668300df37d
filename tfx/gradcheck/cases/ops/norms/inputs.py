"""Inputs of normalisation: random gains and offsets, and padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.case import Problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, some_allowed


def x_gain_offset(rng: Rng, scale: float, *names: str) -> dict[str, Any]:
    """x and those of gamma and beta that are named."""
    gain_and_offset = {"gamma": 1.0 + 0.5 * rng.standard_normal(C), "beta": rng.standard_normal(C)}
    x = scale * rng.standard_normal((B, T, C)) + 0.5
    return {"x": x} | {name: gain_and_offset[name] for name in names}


def kept_tokens(rng: Rng) -> np.ndarray:
    """Padding of a batch of sequences, and one token of it missing in the middle."""
    keep = some_allowed(rng, (B, T))
    keep[1, -2:] = False
    return keep


def by_tokens(rng: Rng, forward: Any, backward: Any, running: Any, eps: float, padding: bool) -> Problem:
    """A norm that takes its statistics over the tokens.  Running ones stand among the settings as arrays of their own,
    so that a test can move every array to another dtype or device."""
    fixed = {"eps": eps, "keep": kept_tokens(rng) if padding else None}
    fixed |= {} if running is None else running._asdict()
    return Problem(forward, backward, x_gain_offset(rng, 1.0, "gamma", "beta"), fixed)
