"""Attention alone makes tokens equal: faster than exponentially, and not where there is nothing to average."""

import pytest

from tfx.lab import attention_collapse, frame
from tfx.lab.attention_collapse import speed_up, through_attention


def test_attention_alone_makes_all_tokens_equal_and_a_residual_connection_keeps_them_apart():
    alone, kept = through_attention(8, residual=False), through_attention(8, residual=True)
    assert alone[-1] < 1e-3 and kept[-1] > 0.1
    ratios = alone[1:] / alone[:-1]
    assert ratios[3] < ratios[0], "faster than exponentially"


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(attention_collapse, attention_collapse.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


@pytest.mark.parametrize(
    ("change", "failing"),
    [({"residual": False}, ["residual-keeps"]), ({"mix": False}, ["collapses", "faster", "averaging"])],
)
def test_the_checks_notice_what_was_taken_away(change, failing):
    found = frame.run(attention_collapse, attention_collapse.Settings(**change), 0, quick=True)
    assert [check.id for check in found.checks if not check.holds] == failing


def test_an_exponential_is_no_faster_than_itself():
    assert speed_up([0.0, -1.0, -2.0, -3.0, -4.0]) == 1
    assert speed_up([0.0, -1.0, -3.0, -7.0, -15.0]) == 8
    assert speed_up([0.0, 0.0, -1.0, -2.0, -9.0]) == 0
