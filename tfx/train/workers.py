"""A training step on all cores: every worker takes rows of the batch, and their gradients are added up.

    L = sum_w (n_w / N) L_w            L_w the mean over the n_w tokens of worker w, N all tokens

The other way is to give every matrix product to all cores.  Then they meet after each product, and what stands between
the products (softmax, normalisation, activations) runs on one core while the others wait.  Workers meet once a step.
NumPy lets go of the interpreter's lock inside its functions, so threads are enough, and they share the weights; each
has gradients of its own, and one BLAS thread.

How many.  Each pass through the model costs some milliseconds of Python, which one thread after the other has to
itself, and waiting for it costs as much again.  So a worker more has to be worth it: there are as many as the size of
the step feeds, `enough_work_for`, and where that is one, the loss is as it was, on one thread.  A step of 4 rows of 128
tokens through a GPT of width 64 is for one worker; 16 rows are for two, and so are 4 rows at width 128.

The sum is taken in the order of the workers, so the same batch gives the same bytes every time, on any machine; another
number of workers adds in another order and may differ in the last bits.  The size alone decides, and no clock, for that
reason too.  Losses that look at several rows at once see
their worker's rows, as in train/accumulation.py; batch normalisation is refused.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tfx.arguments import whole_number
from tfx.blas_threads import blas_threads
from tfx.params import Layer, replica
from tfx.train.accumulation import count_rows, split_rows
from tfx.train.loop import Batch, Loss, LossValue, Rng

#: What a worker should have: numbers in its rows, such as tokens, times weights of the model.  The step for which two
#: workers were slower than one has 5e7 for each of them, the smallest for which they are quicker 2e8.
LEAST_WORK = 2**27


def enough_work_for(model: Layer, batch: Batch, n_workers: int, least: int = LEAST_WORK) -> int:
    """How many of n_workers have work enough, at least one: a step is numbers in the batch x weights, a worker `least`.

    Where a batch has several arrays, the largest counts.
    """
    numbers = max(int(getattr(array, "size", 0)) for array in (batch if isinstance(batch, tuple) else (batch,)))
    return max(1, min(n_workers, count_rows(batch), numbers * model.n_parameters // max(least, 1)))


def shared_out(loss: Loss[Any], n_workers: int, least: int = LEAST_WORK) -> Loss[Any]:
    """-> the same loss, computed by up to n_workers threads that share out the rows of the batch.

    least: the work for which a worker pays, see `enough_work_for`; 0 for as many as there are, or rows.  Each worker
    gets a generator of its own for dropout.
    Raises ValueError for fewer than one worker, and when a model moves running statistics in a shared forward.
    """
    if whole_number("n_workers", n_workers, 1) == 1:
        return loss
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="worker")
    crew = _Crew(n_workers)

    def whole(model: Any, batch: Batch, rng: Rng) -> LossValue:
        n = enough_work_for(model, batch, n_workers, least)
        if n == 1:
            with blas_threads(1):
                return loss(model, batch, rng)
        parts = list(split_rows(batch, math.ceil(count_rows(batch) / n)))
        workers = crew.of(model)[: len(parts)]
        draws = [None] * len(parts) if rng is None else rng.spawn(len(parts))
        with blas_threads(1), quick_handover():
            values = list(pool.map(_one_part, [loss] * len(parts), workers, parts, draws))
        if any(buffer.next is not buffer.value for buffer in model.buffers().values()):
            raise ValueError("this model moves running statistics, which workers would each move their own way")
        tokens = sum(value.tokens for value in values)
        shares = [value.tokens / max(tokens, 1) for value in values]
        for worker, share in zip(workers, shares, strict=True):
            for own, of_worker in zip(model.parameters().values(), worker.parameters().values(), strict=True):
                own.grad += share * of_worker.grad
        return LossValue(sum(share * value.loss for share, value in zip(shares, values, strict=True)), tokens)

    return whole


@contextmanager
def quick_handover(seconds: float = 1e-5) -> Iterator[None]:
    """Inside, a thread that waits for the interpreter gets it after that time; usually it may have to wait for 5 ms,
    as long as a dozen products of matrices."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Crew:
    """The replicas of the model last seen: made once, and again when the model's arrays were replaced."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.workers: list[Layer] = []
        self.values: list[Any] = []

    def of(self, model: Layer) -> list[Layer]:
        values = [parameter.value for parameter in model.parameters().values()]
        if len(values) != len(self.values) or any(a is not b for a, b in zip(values, self.values, strict=True)):
            self.workers, self.values = [replica(model) for _ in range(self.n_workers)], values
        return self.workers


def _one_part(loss: Callable[..., LossValue], worker: Layer, part: Batch, rng: Any) -> LossValue:
    worker.zero_grad()
    return loss(worker, part, rng)
