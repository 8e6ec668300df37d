"""Data parallelism: every worker has the whole model and a part of the batch; their gradients are averaged.

    loss = sum over tokens / N             g = sum over workers of (n_w / N) g_w

A worker's loss is the mean over its own n_w tokens, so its gradient counts in proportion to n_w.  The plain mean of the
workers' gradients is right only when all have equally many tokens; with padding they have not.

Gradient accumulation (train/accumulation.py) is the same sum in time instead of space: one worker takes the parts one
after the other.  Both give the gradient of the whole batch, unless a layer looks at several rows at once: the
statistics of BatchNorm, the capacity of experts, and losses that multiply two means (load balance) see a part and not
the whole.
Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", sections 2 and 3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.parallel.all_reduce import AllReduce
from tfx.train.accumulation import count_rows, split_rows
from tfx.train.loop import Batch, Loss, LossValue


def data_parallel(loss: Loss[Any], n_workers: int, all_reduce: AllReduce | None = None) -> Loss[Any]:
    """-> a loss with the same value and gradient, computed by workers that each see a part of the rows.

    Each worker gets a generator of its own for dropout; where there are fewer rows than workers, some have nothing to
    do.  all_reduce: counts what is sent.  Raises ValueError for fewer than one worker.
    """
    if whole_number("n_workers", n_workers) < 1:
        raise ValueError(f"a batch is shared out among at least one worker, not {n_workers}")
    reduce = AllReduce() if all_reduce is None else all_reduce

    def parallel(model: Any, batch: Batch, rng: Any) -> LossValue:
        parameters = list(model.parameters().values())
        before = [parameter.grad.copy() for parameter in parameters]
        values, gradients = [], []
        for part in split_rows(batch, math.ceil(count_rows(batch) / n_workers)):
            model.zero_grad()  # each worker starts from zero
            own = None if rng is None else np.random.default_rng(rng.integers(2**63))
            values.append(loss(model, part, own))  # type: ignore[arg-type]
            gradients.append([parameter.grad.copy() for parameter in parameters])
        total = sum(value.tokens for value in values)
        weights = [value.tokens / max(total, 1) for value in values]
        for index, parameter in enumerate(parameters):
            parts = [weight * gradient[index] for weight, gradient in zip(weights, gradients, strict=True)]
            parameter.grad[...] = before[index] + reduce(parts)
        return LossValue(sum(weight * value.loss for weight, value in zip(weights, values, strict=True)), total)

    return parallel
