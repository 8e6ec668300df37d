"""Known mistakes in tfx/models/one_page_gpt.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.models.one_page_gpt import Gradients, block, gpt
from tfx.gradcheck.mistake import Mistake
from tfx.models.one_page_gpt import gpt_backward, gpt_block_backward
from tfx.ops.basics.embedding import tied_logits_backward


def block_without_the_way_around(dy: Any, cache: Any) -> Gradients:
    dx, gradients = gpt_block_backward(dy, cache)
    return {"x": dx - dy, **gradients}


def gpt_without_the_look_up(dlogits: Any, cache: Any) -> Gradients:
    output = cache[-1]
    return {**gpt_backward(dlogits, cache), "E": tied_logits_backward(dlogits, output)[1]}


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="gpt_block",
        name="way-around-missing",
        says="the way around the block is missing in dx",
        why="The interesting part of a block is inside it, and the residual is a plus sign that is read over.",
        hint="Along how many ways does x reach the output of the block?",
        problem=block,
        wrong_backward=block_without_the_way_around,
    ),
    Mistake(
        op="gpt",
        name="look-up-forgotten",
        says="the table gets its gradient as output, not that of the look-up",
        why="One table serves at both ends, and the backward pass meets it first at the output.",
        hint="Which two places of the forward pass read the table E?",
        problem=gpt,
        wrong_backward=gpt_without_the_look_up,
    ),
)
