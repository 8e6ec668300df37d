"""Known mistakes in tfx/ops/attention/soft_cap.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.soft_cap import soft_cap
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.soft_cap import SoftCapCache


@wrong_backward(soft_cap, cap=0.7)
def tanh_not_undone(dy: Any, cache: SoftCapCache) -> Any:
    """The tanh is not undone.

    Why: For small scores the cap changes nothing, so its derivative seems to be 1.
    Hint: Try one score far beyond the cap: how much does the output move when the score does?
    """
    return dy
