"""Operations that make models smaller and still have a gradient.

Rounding has none: straight-through backward is checked against the function whose derivative it is, clip.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, D, H, Rng, T
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.head_mask import HeadMaskCache, head_mask_backward, head_mask_forward
from tfx.ops.small_numbers.straight_through import (
    StraightThroughCache,
    straight_through_backward,
    straight_through_forward,
)

LIMIT = 0.8


def _clip(x: Any, limit: float | None) -> Any:
    """The surrogate that the staircase follows; away from the corners it is linear."""
    y = x if limit is None else x.clip(-limit, limit)
    return y, straight_through_forward(x, x, limit)[1]


def straight_through(rng: Rng, limit: float | None = None) -> Problem:
    x = rng.standard_normal((B, T))
    x = np.where(np.abs(np.abs(x) - LIMIT) < 0.1, 0.5 * x, x)  # no corner within reach of a step
    return Problem(_clip, straight_through_backward, {"x": x}, {"limit": limit})


def head_mask(rng: Rng) -> Problem:
    inputs = {"heads": rng.standard_normal((B, H, T, D)), "xi": rng.standard_normal(H)}
    return Problem(head_mask_forward, head_mask_backward, inputs)


def attention_with_head_dropout(rng: Rng) -> Problem:
    layer = MultiHeadAttention(6, H, rng, dropout=0.2, head_dropout=0.3)
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, 6))}, dropout_seed=5, sums=True)


def straight_through_limit_forgotten(dy: Any, cache: StraightThroughCache) -> Any:
    return dy


def head_mask_first_example_only(dy: Any, cache: HeadMaskCache) -> Any:
    dheads, _ = head_mask_backward(dy, cache)
    return dheads, (dy * cache.heads)[0].sum(axis=(-1, -2))


CASES: tuple[Case, ...] = (
    Case(straight_through_backward, "no limit", straight_through),
    Case(straight_through_backward, "limited", partial(straight_through, limit=LIMIT)),
    Case(head_mask_backward, "random factors", head_mask),
    Case(MultiHeadAttention, "dropout of heads and weights", attention_with_head_dropout),
)

CONTROLS: tuple[Control, ...] = (
    Control(
        "straight_through",
        "numbers beyond the limit get a gradient",
        straight_through_limit_forgotten,
        partial(straight_through, limit=LIMIT),
    ),
    Control("head_mask", "one example stands for the batch", head_mask_first_example_only, head_mask),
)
