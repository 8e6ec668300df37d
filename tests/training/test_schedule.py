"""Learning-rate schedules: where they peak, where they end, and that they do not jump."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

import pytest

from tfx.schedule import (
    constant,
    inverse_square_root,
    noam,
    warmup_cosine,
    warmup_inverse_square_root,
    warmup_linear,
)

#: Each schedule with the steps at which its pieces meet.
SCHEDULES = {
    "constant": (partial(constant, learning_rate=0.3), []),
    "noam": (partial(noam, d_model=64, warmup=40), [40]),
    "inverse_square_root": (partial(inverse_square_root, warmup=40), [40]),
    "warmup_inverse_square_root": (partial(warmup_inverse_square_root, peak=0.3, warmup=40), [40]),
    "warmup_linear": (partial(warmup_linear, peak=0.3, warmup=40, total=140, floor=0.1), [40, 140]),
    "warmup_cosine": (partial(warmup_cosine, peak=0.3, warmup=40, total=140, floor=0.1, hold=10), [40, 50, 140]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_pieces_of_a_schedule_meet(name):
    schedule, joints = SCHEDULES[name]
    for joint in joints:
        left, at, right = (schedule(joint + offset) for offset in (-1e-9, 0, 1e-9))
        assert left == pytest.approx(at, rel=1e-9) and right == pytest.approx(at, rel=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_rises_to_its_peak_and_never_again(name):
    schedule, joints = SCHEDULES[name]
    rates = [schedule(step) for step in range(1, 201)]
    assert min(rates) > 0
    top = rates.index(max(rates))
    assert top in (0, *(joint - 1 for joint in joints[:1]))
    assert rates[:top] == sorted(rates[:top]) and rates[top:] == sorted(rates[top:], reverse=True)


def test_noam_peaks_at_the_end_of_warmup_with_the_published_value():
    rates = [noam(step, 512, 4000) for step in range(1, 12_001)]
    assert rates.index(max(rates)) + 1 == 4000
    assert max(rates) == pytest.approx(1 / math.sqrt(512 * 4000), rel=1e-14)


def test_noam_is_linear_before_its_peak_and_an_inverse_root_after_it():
    assert noam(300, 64, 1000) == pytest.approx(3 * noam(100, 64, 1000), rel=1e-14)
    assert noam(4000, 64, 1000) == pytest.approx(noam(1000, 64, 1000) / 2, rel=1e-14)
    assert noam(10, 64, 1000, factor=2) == 2 * noam(10, 64, 1000)


def test_noam_is_the_warmed_up_inverse_square_root_with_its_peak_worked_out():
    peak = 2.0 / math.sqrt(64 * 50)
    for step in range(1, 300):
        assert noam(step, 64, 50, 2.0) == pytest.approx(warmup_inverse_square_root(step, peak, 50), rel=1e-14)


def test_after_warmup_the_t5_form_is_the_peak_form_and_before_it_it_is_flat():
    assert {inverse_square_root(step, 10_000) for step in (1, 77, 10_000)} == {0.01}
    for step in range(100, 1000, 7):
        peak = 3 / math.sqrt(100)
        assert inverse_square_root(step, 100, factor=3) == pytest.approx(
            warmup_inverse_square_root(step, peak, 100), rel=1e-14
        )


def test_the_cosine_reaches_its_peak_its_middle_and_its_floor():
    rate = lambda step: warmup_cosine(step, 0.4, 10, 110, floor=0.1)  # noqa: E731
    assert rate(1) == pytest.approx(0.04)
    assert rate(10) == 0.4
    assert rate(60) == pytest.approx((0.4 + 0.1) / 2)
    assert rate(35) == pytest.approx(0.1 + 0.3 * (1 + math.cos(math.pi / 4)) / 2)
    assert rate(110) == rate(111) == rate(10_000) == 0.1


def test_the_straight_line_loses_as_much_at_every_step():
    rates = [warmup_linear(step, 0.4, 10, 110, floor=0.1) for step in range(10, 111)]
    assert rates[0] == 0.4 and rates[-1] == 0.1
    assert [a - b for a, b in pairwise(rates)] == pytest.approx([0.3 / 100] * 100, rel=1e-9)
    assert warmup_linear(5, 0.4, 10, 110) == pytest.approx(0.2) and warmup_linear(300, 0.4, 10, 110) == 0


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


def test_a_held_peak_moves_the_descent_by_as_many_steps():
    for schedule in (warmup_cosine, warmup_linear):
        assert {schedule(step, 0.3, 5, 40, hold=7) for step in range(5, 13)} == {0.3}
        moved = [schedule(step, 0.3, 5, 47, hold=7) for step in range(12, 60)]
        assert moved == [schedule(step, 0.3, 5, 40) for step in range(5, 53)]


def test_a_loop_that_counts_from_zero_uses_the_peak_twice():
    steps, warmup, peak = 40, 5, 0.003
    for i in range(steps):
        if i < warmup:
            expected = peak * (i + 1) / warmup
        else:
            expected = peak * 0.5 * (1 + math.cos(math.pi * (i - warmup) / (steps - warmup)))
        assert warmup_cosine(i + 1, peak, warmup, steps + 1, hold=1) == pytest.approx(expected, rel=1e-14)


def test_a_constant_rate_is_constant():
    assert {constant(step, 0.3) for step in (1, 2, 1000)} == {0.3}


@pytest.mark.parametrize(
    "call",
    [
        lambda: constant(0, 0.1),
        lambda: noam(0, 64, 10),
        lambda: noam(1, 64, 0),
        lambda: inverse_square_root(0, 10),
        lambda: inverse_square_root(1, 0),
        lambda: warmup_inverse_square_root(0, 0.1, 10),
        lambda: warmup_inverse_square_root(1, 0.1, 0),
        lambda: warmup_linear(0, 1, 1, 2),
        lambda: warmup_linear(1, 1, -1, 2),
        lambda: warmup_cosine(0, 1, 1, 2),
        lambda: warmup_cosine(1, 1, 5, 4),
        lambda: warmup_cosine(1, 1, 2, 4, hold=3),
    ],
)
def test_steps_before_the_first_and_impossible_lengths_are_refused(call):
    with pytest.raises(ValueError, match=r"step|warmup"):
        call()
