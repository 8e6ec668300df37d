"""Known mistakes in tfx/efficient/big_bird.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.big_bird import BigBirdCache, big_bird_attention_backward
from tfx.gradcheck.cases.efficient.big_bird import big_bird
from tfx.gradcheck.mistake import Mistake


def big_bird_without_global_rows(dout: Any, cache: BigBirdCache) -> Any:
    return big_bird_attention_backward(dout, cache._replace(rows=None))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="big_bird_attention",
        name="global-rows-forgotten",
        says="without the rows of global queries",
        why="The sparse part is computed block by block, and the few dense rows are computed elsewhere.",
        hint="Which queries see all keys, and do those keys hear from them?",
        problem=big_bird,
        wrong_backward=big_bird_without_global_rows,
    ),
)
