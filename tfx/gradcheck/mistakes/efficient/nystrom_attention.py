"""Known mistakes in tfx/efficient/nystrom_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.nystrom_attention import NystromAttentionCache, nystrom_attention_backward
from tfx.gradcheck.cases.efficient.nystrom_attention import nystrom_attention
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(nystrom_attention)
def inverse_is_constant(dout: Any, cache: NystromAttentionCache) -> Any:
    """No gradient through the inverse.

    A^+ taken as a constant: no gradient through the iteration.

    Why: The middle factor is small and made by an iteration, so it is treated like a preconditioner.
    Hint: From which of the inputs is the matrix made that is inverted?
    """
    return nystrom_attention_backward(dout, cache._replace(w=0 * cache.w))
