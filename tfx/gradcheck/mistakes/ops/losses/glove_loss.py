"""Known mistakes in tfx/ops/losses/glove_loss.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.glove_loss import glove
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.glove_loss import GloveLossCache, glove_loss_backward


def half_the_square(dloss: Any, cache: GloveLossCache) -> Any:
    """The 2 of the square is forgotten."""
    return tuple(gradient / 2 for gradient in glove_loss_backward(dloss, cache))


def contexts_for_words(dloss: Any, cache: GloveLossCache) -> Any:
    grads = glove_loss_backward(dloss, cache)
    return grads._replace(dword=grads.dcontext, dcontext=grads.dword)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="glove_loss",
        name="two-of-the-square",
        says="the 2 of the square is forgotten",
        why="The factor is often swallowed by the learning rate.",
        hint="Is there a 1/2 in front of the square that would cancel it?",
        problem=glove,
        wrong_backward=half_the_square,
    ),
    Mistake(
        op="glove_loss",
        name="word-and-context-swapped",
        says="word and context swapped",
        why="The two vectors play the same part in the loss, and their gradients are told apart only by the product.",
        hint="With which vector was the word vector multiplied?",
        problem=glove,
        wrong_backward=contexts_for_words,
    ),
)
