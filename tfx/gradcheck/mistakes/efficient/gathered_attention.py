"""Known mistakes in tfx/efficient/gathered_attention.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.gathered_attention import GatheredAttentionCache, gathered_attention_backward
from tfx.gradcheck.cases.efficient.gathered_attention import gathered
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(gathered, op="gathered_attention")
def copies_not_added(dout: Any, cache: GatheredAttentionCache) -> Any:
    """Copies of a key not added up.

    A key that several blocks read gets the gradient of one of them: what plain assignment by index does.

    Why: Assigning through an index array keeps one of the values wherever an index repeats.
    Hint: What does x[index] = values do when the same index appears twice?
    """
    dq, _, dv = gathered_attention_backward(dout, cache)
    table = cache.table
    once = table._replace(order=table.order[table.starts], starts=np.arange(len(table.starts)))
    _, dk_once, _ = gathered_attention_backward(dout, cache._replace(table=once))
    return dq, dk_once, dv
