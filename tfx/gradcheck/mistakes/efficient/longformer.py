"""Known mistakes in tfx/efficient/longformer.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.longformer import LongformerCache, longformer_attention_backward
from tfx.gradcheck.cases.efficient.longformer import longformer
from tfx.gradcheck.mistake import Mistake


def longformer_without_global_rows(dout: Any, cache: LongformerCache) -> Any:
    groups = tuple((one, gathered._replace(rows=None)) for one, gathered in cache.groups)
    return longformer_attention_backward(dout, cache._replace(groups=groups))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="longformer_attention",
        name="global-rows-forgotten",
        says="without the rows of global queries",
        why="Global tokens are remembered as keys that everybody reads, and not as queries that read everybody.",
        hint="Attention is global in two directions; which of them is missing?",
        problem=lambda rng: longformer(rng, global_places=(2, 5)),
        wrong_backward=longformer_without_global_rows,
    ),
)
