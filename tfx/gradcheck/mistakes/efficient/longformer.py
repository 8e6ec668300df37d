"""Known mistakes in tfx/efficient/longformer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.longformer import LongformerCache, longformer_attention_backward
from tfx.gradcheck.cases.efficient.longformer import longformer
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(longformer, op="longformer_attention", global_places=(2, 5))
def global_rows_forgotten(dout: Any, cache: LongformerCache) -> Any:
    """Without the rows of global queries.

    Why: Global tokens are remembered as keys that everybody reads, and not as queries that read everybody.
    Hint: Attention is global in two directions; which of them is missing?
    """
    groups = tuple((one, gathered._replace(rows=None)) for one, gathered in cache.groups)
    return longformer_attention_backward(dout, cache._replace(groups=groups))
