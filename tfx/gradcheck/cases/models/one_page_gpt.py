"""Cases of tfx/models/one_page_gpt.py: its block by elements, the whole by a random direction for each parameter."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import IDS, B, F, H, Rng, T, V
from tfx.models.one_page_gpt import (
    gpt_backward,
    gpt_block_backward,
    gpt_block_forward,
    gpt_forward,
    initial_parameters,
    of_block,
)

C, M = 6, 9  # H divides C

Gradients = dict[str, Any]


def random_parameters(rng: Rng, n_blocks: int) -> Gradients:
    """Every parameter away from its first value, because a gain of 1 and an offset of 0 hide mistakes."""
    first = initial_parameters(V, M, C, F, n_blocks, rng)
    return {name: value + 0.3 * rng.standard_normal(value.shape) for name, value in first.items()}


def block(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), **of_block(0, random_parameters(rng, 1))}

    def forward(x: Any, **w: Any) -> tuple[Any, Any]:
        return gpt_block_forward(x, w, H)

    def backward(dy: Any, cache: Any) -> tuple[Any, ...]:
        dx, gradients = gpt_block_backward(dy, cache)
        return dx, *(gradients[name] for name in inputs if name != "x")

    return Problem(forward, backward, inputs)


def gpt(rng: Rng) -> Problem:
    inputs = random_parameters(rng, 2)

    def forward(ids: Any, **w: Any) -> tuple[Any, Any]:
        return gpt_forward(ids, w, H)

    def backward(dlogits: Any, cache: Any) -> tuple[Any, ...]:
        gradients = gpt_backward(dlogits, cache)
        return tuple(gradients[name] for name in inputs)

    return Problem(forward, backward, inputs, {"ids": IDS}, directions=1)


CASES: tuple[Case, ...] = (
    Case(gpt_block_backward, "attention and two maps, on one page", block),
    Case(gpt_backward, "two blocks, on one page", gpt),
)
