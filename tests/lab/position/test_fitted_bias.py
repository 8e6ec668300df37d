"""A bias network learns what it is taught, goes on like a logarithm, and misses a straight line."""

from __future__ import annotations

import math

import pytest

from tfx.lab.position.fitted_bias import TARGETS, fit


@pytest.mark.parametrize("seed", range(3))
def test_it_continues_a_logarithm_and_misses_a_straight_line(seed):
    log, line = (fit(target, seed) for target in TARGETS)
    assert log.wanted == pytest.approx([-math.log(65), -math.log(33), -math.log(17)])
    assert line.wanted == pytest.approx([-16, -8, -4]) and list(log.offsets) == [-64, -32, -16]
    assert log.worst < 0.1 and line.worst < 0.4
    assert abs(log.said - log.wanted).max() < 0.5 < 4 < abs(line.said - line.wanted)[0]


def test_an_untrained_network_has_learned_nothing():
    assert fit("logarithm", 0, steps=0).worst > 1
