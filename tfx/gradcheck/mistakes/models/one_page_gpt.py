"""Known mistakes in tfx/models/one_page_gpt.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.models.one_page_gpt import block, gpt
from tfx.gradcheck.mistake import Mistake
from tfx.models.one_page_gpt import gpt_backward, gpt_block_backward
from tfx.ops.basics.embedding import tied_logits_backward


def block_without_the_way_around(dy: Any, cache: Any) -> dict[str, Any]:
    dx, gradients = gpt_block_backward(dy, cache)
    return {"x": dx - dy, **gradients}


def gpt_without_the_look_up(dlogits: Any, cache: Any) -> dict[str, Any]:
    output = cache[-1]
    return {**gpt_backward(dlogits, cache), "E": tied_logits_backward(dlogits, output)[1]}


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="gpt_block",
        name="way-around-missing",
        says="the way around the block is missing in dx",
        why="The addition of x at the end has no parameter, so nothing reminds of it on the way back.",
        hint="By how many ways does x reach y?",
        problem=block,
        wrong_backward=block_without_the_way_around,
    ),
    Mistake(
        op="gpt",
        name="look-up-missing",
        says="the table gets its gradient as output, not that of the look-up",
        why="The table was handed in once, at the top, and its second use at the bottom is forgotten.",
        hint="Where is E read, from the first line of the forward to the last?",
        problem=gpt,
        wrong_backward=gpt_without_the_look_up,
    ),
)
