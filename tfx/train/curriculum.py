"""Curriculum: easy examples first, or short sequences first.

    share of the examples, easiest first, that may be drawn at step t:
        linear    c(t) = min(1, c0 + (1 - c0) t / T)
        root      c(t) = min(1, sqrt(c0^2 + (1 - c0^2) t / T))        new examples come ever more slowly

The root is what keeps the time for each new example the same: with dc/dt = k / c the rate falls as the pool grows, and
c dc = k dt gives c^2 = c0^2 + 2 k t.
What counts as difficult is the caller's: length, rarity of words, a teacher's loss.  Draws depend on the step, which
`steps_done` tells (`lambda: optimizer.steps`), so that a resumed run goes on where it was.
Sources: Bengio et al. 2009, "Curriculum Learning"; competence: Platanios et al. 2019, "Competence-based Curriculum
Learning for Neural Machine Translation", section 3, equations 6 and 7; growing sequences: Press, Smith and Lewis 2021,
"Shortformer", section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx.arguments import number, whole_number
from tfx.train.loop import Rng


def linear_competence(step: int, total: int, first: float = 0.1) -> float:
    """The share at step `step`, from 1; all from step `total` on.  Raises ValueError unless 0 < first <= 1."""
    _check(step, total, first)
    return min(1.0, first + (1 - first) * step / total)


def root_competence(step: int, total: int, first: float = 0.1) -> float:
    """As linear_competence, but a square root."""
    _check(step, total, first)
    return min(1.0, math.sqrt(first * first + (1 - first * first) * step / total))


def curriculum_rows(
    difficulty: np.ndarray, batch: int, competence: Callable[[int], float], steps_done: Callable[[], int]
) -> Callable[[Rng], np.ndarray]:
    """difficulty: (N,) one number for each example -> rows(rng): (batch,) numbers of examples, drawn with replacement
    from the easiest.  Use it as batches: lambda rng: ids[rows(rng)].

    competence(step): the share that may be drawn, at least one example.  Equal difficulties keep their order.
    Raises ValueError when there are no examples, for a batch below 1 and for a competence outside [0, 1].
    """
    if difficulty.ndim != 1 or not difficulty.size or np.isnan(difficulty).any():
        raise ValueError(f"difficulty must be one number for each example, none of them NaN, not {difficulty.shape}")
    whole_number("batch", batch, 1)
    order = np.argsort(difficulty, kind="stable")

    def rows(rng: Rng) -> np.ndarray:
        share = number("the competence", competence(steps_done() + 1), 0, 1)
        n_open = max(1, math.ceil(share * len(order)))
        return order[rng.integers(n_open, size=batch)]

    return rows


def growing_length(step: int, first: int, last: int, total: int, multiple: int = 1) -> int:
    """A straight line from `first` tokens at step 1 to `last` at step `total`, rounded down to multiples, but never
    below `first`.  Cut a batch with ids[:, :length].

    Early steps then cost less, quadratically so in attention, and learn what is near.
    Raises ValueError for lengths that shrink or steps before the first.
    """
    if not 1 <= first <= last or step < 1 or total < 1 or multiple < 1:
        raise ValueError(f"lengths grow from {first} to {last} in steps 1 to {total}, by {multiple}: not at {step}")
    length = first + (last - first) * min(step - 1, total - 1) // max(total - 1, 1)
    return last if length == last else max(first, length // multiple * multiple)


def _check(step: int, total: int, first: float) -> None:
    if not step >= 1 or not total >= 1 or not 0 < first <= 1:
        raise ValueError(f"step {step} of {total} from a share of {first}: steps count from 1, a share is above 0")
