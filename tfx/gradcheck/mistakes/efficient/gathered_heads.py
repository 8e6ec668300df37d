"""Known mistakes in tfx/efficient/gathered_heads.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.gathered_heads import GatheredHeadsCache, gathered_heads_backward
from tfx.gradcheck.cases.efficient.gathered_heads import gathered_heads
from tfx.gradcheck.mistake import Mistake


def only_the_first_group(dout: Any, cache: GatheredHeadsCache) -> Any:
    return gathered_heads_backward(dout, cache._replace(groups=cache.groups[:1]))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="gathered_heads",
        name="first-group-only",
        says="only the first group",
        why="One group is written and tested first, and the loop over the others is forgotten.",
        hint="Do the gradients of all heads differ from zero?",
        problem=gathered_heads,
        wrong_backward=only_the_first_group,
    ),
)
