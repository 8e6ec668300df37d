"""Warm restarts, and rates for other batch sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.nn.linear import Linear
from tfx.optim import SGD, Adam
from tfx.schedule import cosine_restarts, rate_for_batch, warmup_cosine


def test_the_first_cycle_is_half_a_cosine():
    rates = [cosine_restarts(step, 0.4, 8, floor=0.1) for step in range(1, 9)]
    for t, rate in enumerate(rates):
        assert rate == pytest.approx(0.1 + 0.3 * (1 + math.cos(math.pi * t / 8)) / 2, rel=1e-14)
        assert rate == pytest.approx(warmup_cosine(t + 1, 0.4, 1, 9, 0.1), rel=1e-14)
    assert rates[0] == 0.4 and rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(("growth", "starts"), [(1.0, [1, 6, 11, 16, 21]), (2.0, [1, 6, 16, 36]), (1.5, [1, 6, 14])])
def test_cycles_grow_and_each_starts_at_the_peak(growth, starts):
    rates = [cosine_restarts(step, 1.0, 5, growth) for step in range(1, max(starts) + 3)]
    jumps = [1, *(step + 1 for step in range(1, len(rates)) if rates[step] > rates[step - 1])]
    assert jumps == starts
    if growth != 1.5:  # 7.5 steps: a cycle that starts between two steps
        assert {rates[start - 1] for start in starts} == {1.0}


def test_a_cycle_twice_as_long_falls_half_as_fast():
    for t in range(5):
        assert cosine_restarts(6 + 2 * t, 1.0, 5, 2.0) == pytest.approx(cosine_restarts(1 + t, 1.0, 5, 2.0), rel=1e-14)


def test_peaks_shrink_towards_the_floor():
    peaks = [cosine_restarts(1 + 4 * i, 1.0, 4, floor=0.2, shrink=0.5) for i in range(3)]
    assert peaks == pytest.approx([1.0, 0.6, 0.4])


@pytest.mark.parametrize("call", [(0, 1, 5), (1, 1, 0), (1, 1, 5, 0.5)])
def test_impossible_cycles_are_refused(call):
    with pytest.raises(ValueError, match=r"step"):
        cosine_restarts(*call)


def test_a_batch_k_times_as_large_with_k_times_the_rate_goes_as_far_as_k_steps_with_a_gradient_that_stays():
    grads = np.random.default_rng(0).standard_normal((4, 6))
    rate = rate_for_batch(0.1, 4 * 32, 32)
    assert rate == pytest.approx(0.4)
    small, large = (SGD(Linear(2, 2, np.random.default_rng(1), dtype="float64")) for _ in range(2))
    for grad in grads:
        small.parameters.grad[...] = grad
        small.step(0.1)
    large.parameters.grad[...] = grads.mean(axis=0)
    large.step(rate)
    np.testing.assert_allclose(small.parameters.value, large.parameters.value, rtol=1e-13)


def test_adams_spread_falls_with_the_root_so_its_rate_grows_with_the_root():
    """On pure noise, the distance walked in one epoch is the same for all batch sizes with power 1/2, not with 1."""
    spreads = {}
    for power in (0.5, 1.0):
        for batch in (1, 16):
            optimizer = Adam(Linear(40, 40, np.random.default_rng(1)), beta1=0.0, beta2=0.9)
            before, rng = optimizer.parameters.value.copy(), np.random.default_rng(2)
            rate = rate_for_batch(0.01, batch, 1, power)
            for _ in range(320 // batch):
                optimizer.parameters.grad[...] = rng.standard_normal(before.size) / math.sqrt(batch)
                optimizer.step(rate)
            spreads[power, batch] = float((optimizer.parameters.value - before).std())
    assert spreads[0.5, 16] == pytest.approx(spreads[0.5, 1], rel=0.15)
    assert spreads[1.0, 16] > 3 * spreads[1.0, 1]


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        rate_for_batch(0.1, 0, 32)
