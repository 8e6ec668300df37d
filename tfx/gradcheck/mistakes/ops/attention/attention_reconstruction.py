"""Known mistakes in tfx/ops/attention/attention_reconstruction.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.attention_reconstruction import reconstruction
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.attention_reconstruction import AttentionReconstructionCache, attention_reconstruction_backward


def without_the_two_of_the_square(dloss: Any, cache: AttentionReconstructionCache) -> Any:
    """The 2 of the square forgotten."""
    return attention_reconstruction_backward(0.5 * dloss, cache)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="attention_reconstruction",
        name="two-of-the-square",
        says="the 2 of the square",
        why="The factor 2 is left to the learning rate so often that it is no longer missed.",
        hint="Is there a 1/2 in front of the square that would cancel it?",
        problem=reconstruction,
        wrong_backward=without_the_two_of_the_square,
    ),
)
