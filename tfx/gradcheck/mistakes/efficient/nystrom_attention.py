"""Known mistakes in tfx/efficient/nystrom_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.nystrom_attention import NystromAttentionCache, nystrom_attention_backward
from tfx.gradcheck.cases.efficient.nystrom_attention import nystrom_attention
from tfx.gradcheck.mistake import Mistake


def nystrom_attention_without_the_inverse(dout: Any, cache: NystromAttentionCache) -> Any:
    """A^+ taken as a constant: no gradient through the iteration."""
    return nystrom_attention_backward(dout, cache._replace(w=0 * cache.w))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="nystrom_attention",
        name="inverse-is-constant",
        says="no gradient through the inverse",
        why="The middle factor is small and made by an iteration, so it is treated like a preconditioner.",
        hint="From which of the inputs is the matrix made that is inverted?",
        problem=nystrom_attention,
        wrong_backward=nystrom_attention_without_the_inverse,
    ),
)
