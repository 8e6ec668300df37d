"""Times calls with a fixed number of BLAS threads, by the clock that fits: the thread's own where there is one thread.

The thread's clock stands still while other programs have the core; several threads, and a card, need the clock on the
wall, which counts what the other programs took as well: see TOO_BUSY.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.backend import synchronize
from tfx.blas_threads import blas_threads
from tfx.measure.measuring import Clock, Name, Timing, thread_clock, time_in_turns

#: Said where all cores came out slower than one, or something faster than the best that the machine can do.
TOO_BUSY = "this machine is too busy to say"


@dataclass(frozen=True)
class Stopwatch:
    """threads: BLAS's, None where nobody can tell.  kind: "thread" or "wall"."""

    xp: Any
    threads: int | None
    clock: Clock
    kind: str

    def wait(self) -> None:
        """Returns when the device has finished what was asked of it."""
        synchronize(self.xp)

    def in_turns(
        self,
        calls: Mapping[Name, Callable[[], Any]],
        turns: int,
        budget_s: float,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> dict[Name, Timing]:
        return time_in_turns(calls, turns, budget_s, self.clock, self.wait, progress)


@contextmanager
def stopwatch(xp: Any = np, threads: int = 1, workers: int = 1) -> Iterator[Stopwatch]:
    """Inside, BLAS computes in so many threads.  xp: where the calls compute; workers: threads of their own."""
    with blas_threads(threads) as used:
        alone = used == 1 and workers == 1 and xp is np
        yield Stopwatch(xp, used, thread_clock() if alone else time.perf_counter, "thread" if alone else "wall")
