"""Learning-rate schedules: where they peak, where they end, and that they do not jump."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from tfx.schedule import constant, noam, warmup_cosine


def test_noam_peaks_at_the_end_of_warmup_with_the_published_value():
    rates = [noam(step, 512, 4000) for step in range(1, 12_001)]
    assert rates.index(max(rates)) + 1 == 4000
    assert max(rates) == pytest.approx(1 / math.sqrt(512 * 4000), rel=1e-14)


def test_noam_is_linear_before_its_peak_and_an_inverse_root_after_it():
    assert noam(300, 64, 1000) == pytest.approx(3 * noam(100, 64, 1000), rel=1e-14)
    assert noam(4000, 64, 1000) == pytest.approx(noam(1000, 64, 1000) / 2, rel=1e-14)
    assert noam(10, 64, 1000, factor=2) == 2 * noam(10, 64, 1000)


def test_the_cosine_reaches_its_peak_its_middle_and_its_floor():
    rate = lambda step: warmup_cosine(step, 0.4, 10, 110, floor=0.1)  # noqa: E731
    assert rate(1) == pytest.approx(0.04)
    assert rate(10) == 0.4
    assert rate(60) == pytest.approx((0.4 + 0.1) / 2)
    assert rate(110) == rate(111) == rate(10_000) == 0.1


@pytest.mark.parametrize("warmup", [0, 1, 10, 200])
def test_the_cosine_rises_then_falls_without_a_jump(warmup):
    rates = [warmup_cosine(step, 1.0, warmup, 200) for step in range(1, 221)]
    top = max(range(len(rates)), key=rates.__getitem__)
    assert top == max(warmup, 1) - 1
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)
    # steepest: the line of the warm-up, and half a cosine at its middle; a whole warm-up has no cosine to fall along
    steepest = max(1 / max(warmup, 1), math.pi / 2 / max(200 - warmup, 1))
    if warmup < 200:
        assert max(abs(a - b) for a, b in pairwise(rates)) <= steepest * 1.0001


def test_a_constant_rate_is_constant():
    assert {constant(0.3)(step) for step in (1, 2, 1000)} == {0.3}


@pytest.mark.parametrize(
    "call",
    [
        lambda: noam(0, 64, 10),
        lambda: noam(1, 64, 0),
        lambda: warmup_cosine(0, 1, 1, 2),
        lambda: warmup_cosine(1, 1, 5, 4),
    ],
)
def test_steps_before_the_first_and_impossible_lengths_are_refused(call):
    with pytest.raises(ValueError, match=r"step|warmup"):
        call()
