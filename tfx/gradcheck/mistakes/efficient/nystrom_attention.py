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

    Why: The inverse is found by an iteration and not by a formula, so it looks like a number that is given.
    Hint: From which of the inputs is the matrix made that is inverted?
    """
    return nystrom_attention_backward(dout, cache._replace(w=0 * cache.w))
