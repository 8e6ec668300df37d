"""Known mistakes in tfx/ops/losses/kl_divergence.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.losses.kl_divergence import kl_divergence
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.kl_divergence import KlDivergenceCache, KlDivergenceGrads, kl_divergence_backward


def kl_divergence_without_the_one(dloss: Any, cache: KlDivergenceCache) -> KlDivergenceGrads:
    """The target is read twice, and only its first reading is counted."""
    return kl_divergence_backward(dloss, cache._replace(difference=cache.difference - 1))


def kl_divergence_log_target_taken_for_target(dloss: Any, cache: KlDivergenceCache) -> KlDivergenceGrads:
    return kl_divergence_backward(dloss, cache._replace(log_target=False))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="kl_divergence",
        name="p-read-once",
        says="p is counted once, but read twice",
        why="p log p - p log q is differentiated like the cross-entropy, where p stands only once.",
        hint="Use the product rule on p log p.",
        problem=kl_divergence,
        wrong_backward=kl_divergence_without_the_one,
    ),
    Mistake(
        op="kl_divergence",
        name="gradient-of-p-for-log-p",
        says="the gradient of p is given for that of log p",
        why="The target may be given as p or as log p, and the second needs one more step.",
        hint="Which of the two did the caller hand over, and how is p made from it?",
        problem=partial(kl_divergence, log_target=True),
        wrong_backward=kl_divergence_log_target_taken_for_target,
    ),
)
