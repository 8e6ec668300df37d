"""Measures seconds and peak memory of calls on a machine that does other things too.

Calls are timed in turns (a, b, c, a, b, c, ...), so that a slow moment hits all of them, and the median of the turns
counts, so that one such moment is forgotten.  Small calls repeat inside a turn until the clock is fine enough.

Work that runs in one thread is timed by that thread's own clock, which stands still while other programs have the
core; everything else needs the clock on the wall.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

Name = TypeVar("Name", bound=Hashable)

Clock = Callable[[], float]

#: A turn of one call lasts at least this long.
MIN_TURN_S = 0.002


def thread_clock() -> Clock:
    """Seconds that this thread has computed; the clock on the wall where the system counts them too coarsely."""
    return time.thread_time if time.get_clock_info("thread_time").resolution <= 1e-6 else time.perf_counter


class Timing(NamedTuple):
    """Seconds of one call: the median of its turns, and half the distance from the fastest to the slowest."""

    median: float
    half_range: float


def told_apart(a: Timing, b: Timing) -> bool:
    """Whether two medians differ by more than both scatter.  Where they do not, a busy machine has nothing to say."""
    return abs(a.median - b.median) > a.half_range + b.half_range


def time_in_turns(
    calls: Mapping[Name, Callable[[], Any]],
    turns: int,
    budget_s: float,
    clock: Clock = time.perf_counter,
    wait: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Name, Timing]:
    """Times each call in at most `turns` turns; at least 3, however small the budget (seconds on the wall).

    wait: returns when the device has finished what was asked of it; called before the clock is read.
    """
    repeats = {name: _repeats(call, clock, wait) for name, call in calls.items()}
    seconds: dict[Name, list[float]] = {name: [] for name in calls}
    start = time.perf_counter()
    for turn in range(turns):
        progress(turn, turns)
        for name, call in calls.items():
            wait()
            began = clock()
            for _ in range(repeats[name]):
                call()
            wait()
            seconds[name].append((clock() - began) / repeats[name])
        if turn >= 2 and time.perf_counter() - start > budget_s:
            break
    progress(turns, turns)
    return {name: Timing(statistics.median(all_), (max(all_) - min(all_)) / 2) for name, all_ in seconds.items()}


def _repeats(call: Callable[[], Any], clock: Clock, wait: Callable[[], None]) -> int:
    """How often to call within one turn; the first call is a warm-up and does not count."""
    call()
    wait()
    began = clock()
    call()
    wait()
    return max(1, round(MIN_TURN_S / max(clock() - began, 1e-7)))


def peak_bytes(call: Callable[[], Any]) -> int:
    """Host memory that `call` has alive at once, on top of what was there before.  Its result counts too."""
    tracing = tracemalloc.is_tracing()
    if not tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = call()
        _, peak = tracemalloc.get_traced_memory()
        del result
        return peak - before
    finally:
        if not tracing:
            tracemalloc.stop()
