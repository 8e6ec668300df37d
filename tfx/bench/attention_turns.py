"""Turns for the benchmark `attention`, whose calls take from a millisecond to ten seconds.

Every call is made once for its results, its memory and a first idea of its time.  Short calls are then timed in turns
(tfx/measure/measuring.py); long ones as often as there is time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import synchronize
from tfx.bench.attention_ways import Call, largest_difference
from tfx.measure.measuring import Clock, peak_bytes, time_in_turns

#: (causal, way, pass)
Name = tuple[bool, str, str]

#: A warm-up, a call to see how often to repeat, and three turns: what time_in_turns does at least.
LEAST_CALLS = 5


class Measured(NamedTuple):
    """One way, at one length."""

    seconds: float  # median of the turns
    half_range: float | None  # half the distance from the fastest to the slowest; None where there was one turn
    peak: int | None  # bytes
    difference: float  # from the first way


def measure(calls: Mapping[Name, Call], turns: int, budget_s: float, clock: Clock, xp: Any) -> dict[Name, Measured]:
    """Calls everything once for its results, memory and time, and then in turns as long as the budget lasts."""
    first: dict[Name, float] = {}
    peaks: dict[Name, int] = {}
    differences: dict[Name, float] = {}
    wanted: dict[tuple[bool, str], tuple[Any, ...]] = {}
    for name, call in calls.items():  # the naive way comes first, or else the tiled one
        causal, way, each = name
        results: list[tuple[Any, ...]] = []
        seconds: list[float] = []

        def once(call: Call = call, results: list[Any] = results, seconds: list[float] = seconds) -> None:
            began = clock()
            results.append(call())
            synchronize(xp)
            seconds.append(clock() - began)

        if xp is np and not way.startswith("torch"):
            peaks[name] = peak_bytes(once)
        else:
            once()
        first[name] = seconds[0]
        want = wanted.setdefault((causal, each), results[0])
        differences[name] = largest_difference(results[0], want)
    times = more_turns(calls, first, turns, budget_s, clock, lambda: synchronize(xp))
    return {name: Measured(*times[name], peaks.get(name), differences[name]) for name in calls}


def more_turns(
    calls: Mapping[Name, Call],
    first: Mapping[Name, float],
    turns: int,
    budget_s: float,
    clock: Clock,
    wait: Callable[[], None],
) -> dict[Name, tuple[float, float | None]]:
    """Median and half range.  first: seconds of the calls that have been made already; long calls need no warming up,
    so there they count, unless two others are there to forget them.  Where not even one turn fits the budget, the naive
    ways have no other."""
    if LEAST_CALLS * sum(first.values()) <= budget_s:
        return dict(time_in_turns(calls, turns, budget_s, clock, wait))
    again = [name for name in calls if "naive" not in name[1]] if sum(first.values()) > budget_s else list(calls)
    fitting = int(budget_s / sum(first[name] for name in again))
    seconds = {name: [each] for name, each in first.items()}
    for _ in range(min(turns - 1, max(1, fitting))):
        for name in again:
            began = clock()
            calls[name]()
            wait()
            seconds[name].append(clock() - began)
    found: dict[Name, tuple[float, float | None]] = {}
    for name, all_ in seconds.items():
        counted = all_[1:] if len(all_) > 2 else all_  # the first had its memory traced
        found[name] = statistics.median(counted), (max(counted) - min(counted)) / 2 if len(counted) > 1 else None
    return found
