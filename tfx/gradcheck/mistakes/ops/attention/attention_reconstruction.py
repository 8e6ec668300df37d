"""Known mistakes in tfx/ops/attention/attention_reconstruction.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.attention_reconstruction import reconstruction
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.attention_reconstruction import AttentionReconstructionCache, attention_reconstruction_backward


@wrong_backward(reconstruction, op="attention_reconstruction")
def two_of_the_square(dloss: Any, cache: AttentionReconstructionCache) -> Any:
    """The 2 of the square.

    Why: The factor 2 is left to the learning rate so often that it is no longer missed.
    Hint: Is there a 1/2 in front of the square that would cancel it?
    """
    return attention_reconstruction_backward(0.5 * dloss, cache)
