"""Known mistakes in tfx/ops/attention/soft_cap.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.attention.soft_cap import soft_cap
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.soft_cap import SoftCapCache


def soft_cap_not_undone(dy: Any, cache: SoftCapCache) -> Any:
    return dy


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="soft_cap",
        name="tanh-not-undone",
        says="the tanh is not undone",
        why="For small scores the cap changes nothing, so its derivative seems to be 1.",
        hint="Try one score far beyond the cap: how much does the output move when the score does?",
        problem=partial(soft_cap, cap=0.7),
        wrong_backward=soft_cap_not_undone,
    ),
)
