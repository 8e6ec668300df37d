"""Catastrophic forgetting, and rehearsal against it.

Gradient descent on a new task alone sees no loss for what the old one needs, and writes over it.  Rehearsal mixes old
examples in, so that the gradient is, on average, that of a weighted sum of both losses:

    E[g] = (1 - share) g_new + share g_old

It needs the old examples.  What needs none is to leave the old parameters alone (tfx.tuning), so that taking the new
ones out brings the old model back, bit for bit.
Sources: McCloskey and Cohen 1989, "Catastrophic Interference in Connectionist Networks"; rehearsal: Robins 1995,
"Catastrophic Forgetting, Rehearsal and Pseudorehearsal".
"""

from __future__ import annotations

from collections.abc import Callable

from tfx.train.loop import Batch, Rng


def rehearsed(new: Callable[[Rng], Batch], old: Callable[[Rng], Batch], share: float) -> Callable[[Rng], Batch]:
    """-> batches(rng): each is one of the old task with probability `share`, else one of the new.

    Raises ValueError for a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the old task must be between 0 and 1, not {share}")
    return lambda rng: old(rng) if rng.random() < share else new(rng)
