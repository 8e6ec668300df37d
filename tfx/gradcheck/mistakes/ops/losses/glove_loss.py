"""Known mistakes in tfx/ops/losses/glove_loss.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.glove_loss import glove
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.glove_loss import GloveLossCache, glove_loss_backward


@wrong_backward(glove, op="glove_loss")
def two_of_the_square(dloss: Any, cache: GloveLossCache) -> Any:
    """The 2 of the square is forgotten.

    Why: A learning rate twice as large would make up for it, so training does not show it.
    Hint: Is there a 1/2 in front of the square that would cancel it?
    """
    return tuple(gradient / 2 for gradient in glove_loss_backward(dloss, cache))


@wrong_backward(glove, op="glove_loss")
def word_and_context_swapped(dloss: Any, cache: GloveLossCache) -> Any:
    """Word and context swapped.

    Why: Word and context play the same part in the loss: after a swap all shapes fit and all sizes look right.
    Hint: With which vector was the word vector multiplied?
    """
    grads = glove_loss_backward(dloss, cache)
    return grads._replace(dword=grads.dcontext, dcontext=grads.dword)
