"""Known mistakes in tfx/models/one_page_gpt.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.models.one_page_gpt import Gradients, block, gpt
from tfx.gradcheck.mistake import wrong_backward
from tfx.models.one_page_gpt import gpt_backward, gpt_block_backward
from tfx.ops.basics.embedding import tied_logits_backward


@wrong_backward(block, op="gpt_block")
def way_around_missing(dy: Any, cache: Any) -> Gradients:
    """The way around the block is missing in dx.

    Why: The interesting part of a block is inside it, and the residual is a plus sign that is read over.
    Hint: Along how many ways does x reach the output of the block?
    """
    dx, gradients = gpt_block_backward(dy, cache)
    return {"x": dx - dy, **gradients}


@wrong_backward(gpt)
def look_up_forgotten(dlogits: Any, cache: Any) -> Gradients:
    """The table gets its gradient as output, not that of the look-up.

    Why: One table serves at both ends, and the backward pass meets it first at the output.
    Hint: Which two places of the forward pass read the table E?
    """
    output = cache[-1]
    return {**gpt_backward(dlogits, cache), "E": tied_logits_backward(dlogits, output)[1]}
