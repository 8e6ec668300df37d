import time
import tracemalloc

import numpy as np
import pytest

from tfx.measure import measuring


def test_calls_take_turns_and_the_median_forgets_one_slow_turn():
    now = [0.0]
    order = []
    seconds = {"a": iter([9, 3, 3, 3, 3]), "b": iter([9, 5, 5, 100, 6])}  # two warm-ups, then three turns

    def call(name):
        order.append(name)
        now[0] += next(seconds[name])

    calls = {"a": lambda: call("a"), "b": lambda: call("b")}
    timings = measuring.time_in_turns(calls, turns=3, budget_s=100, clock=lambda: now[0])
    assert order == ["a", "a", "b", "b"] + ["a", "b"] * 3
    assert timings["a"] == (3, 0) and timings["b"] == (6, 47.5)


def test_small_calls_repeat_within_a_turn():
    calls = []
    timings = measuring.time_in_turns({"tiny": lambda: calls.append(1)}, turns=3, budget_s=1)
    assert len(calls) > 300 and 0 < timings["tiny"].median < 1e-3


def test_a_budget_of_nothing_still_gives_three_turns_and_no_more():
    seen = []
    measuring.time_in_turns({"x": lambda: None}, turns=50, budget_s=0, progress=lambda done, total: seen.append(done))
    assert seen == [0, 1, 2, 50]


def test_wait_is_called_before_each_look_at_the_clock():
    events = []

    def clock():
        events.append("clock")
        return float(len(events))

    measuring.time_in_turns({"x": lambda: events.append("call")}, 3, 1, clock=clock, wait=lambda: events.append("wait"))
    assert all(events[i - 1] == "wait" for i, event in enumerate(events) if event == "clock")


def test_peak_bytes_sees_arrays_that_are_gone_at_the_end():
    def call():
        a, b = np.ones(100_000), np.ones(100_000)
        return (a + b).sum()

    assert measuring.peak_bytes(call) == pytest.approx(2_400_000, rel=0.01)


def test_peak_bytes_leaves_a_running_trace_running():
    tracemalloc.start()
    try:
        measuring.peak_bytes(lambda: None)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    measuring.peak_bytes(lambda: None)
    assert not tracemalloc.is_tracing()


def test_the_thread_clock_counts_no_sleep():
    clock = measuring.thread_clock()
    if clock is time.perf_counter:
        pytest.skip("this system counts the time of a thread too coarsely")
    began = clock()
    time.sleep(0.05)
    assert clock() - began < 0.03


def test_medians_are_told_apart_when_they_differ_by_more_than_both_scatter():
    slow, fast, wild = measuring.Timing(3.0, 0.5), measuring.Timing(2.0, 0.4), measuring.Timing(2.0, 0.6)
    assert measuring.told_apart(slow, fast) and measuring.told_apart(fast, slow)
    assert not measuring.told_apart(slow, wild) and not measuring.told_apart(slow, slow)
    assert not measuring.told_apart(slow, measuring.Timing(float("nan"), 0.0))
