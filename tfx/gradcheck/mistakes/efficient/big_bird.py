"""Known mistakes in tfx/efficient/big_bird.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.big_bird import BigBirdCache, big_bird_attention_backward
from tfx.gradcheck.cases.efficient.big_bird import big_bird
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(big_bird, op="big_bird_attention")
def global_rows_forgotten(dout: Any, cache: BigBirdCache) -> Any:
    """Without the rows of global queries.

    Why: The rows of global queries are dense and computed apart from the blocks, so a loop over the blocks never meets
    them.
    Hint: Which queries see all keys, and do those keys hear from them?
    """
    return big_bird_attention_backward(dout, cache._replace(rows=None))
