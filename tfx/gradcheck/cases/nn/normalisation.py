"""Normalisation layers: random gains and offsets, and an eps that one can see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.gradcheck.case import Problem, layer_problem
from tfx.gradcheck.cases.ops.norms.inputs import kept_tokens, x_gain_offset
from tfx.gradcheck.cases.sizes import B, C, Rng, T


def norm_layer(rng: Rng, make: Callable[..., Any], **settings: Any) -> Problem:
    return layer_problem(make(C, eps=0.1, **settings), rng, x_gain_offset(rng, 1.0))


def batch_norm_layer(rng: Rng, make: Callable[..., Any], training: bool, **settings: Any) -> Problem:
    """In evaluation the running statistics are those that one step of training left behind."""
    norm = make(C, "float64", eps=0.1, **settings)
    norm.forward(3.0 + 2.0 * rng.standard_normal((B, T, C)))
    norm.update_buffers()
    norm.training = training
    return layer_problem(norm, rng, x_gain_offset(rng, 1.0), {"keep": kept_tokens(rng)})
