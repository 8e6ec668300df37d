"""Known mistakes in tfx/efficient/gathered_heads.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.gathered_heads import GatheredHeadsCache, gathered_heads_backward
from tfx.gradcheck.cases.efficient.gathered_heads import gathered_heads
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(gathered_heads)
def first_group_only(dout: Any, cache: GatheredHeadsCache) -> Any:
    """Only the first group.

    Why: One group is written and tested first, and the loop over the others is forgotten.
    Hint: Do the gradients of all heads differ from zero?
    """
    return gathered_heads_backward(dout, cache._replace(groups=cache.groups[:1]))
