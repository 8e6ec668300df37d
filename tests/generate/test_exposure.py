"""Exposure bias: one mistake, counted once by teacher forcing and for ever by the text itself."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.generate import WholePass
from tfx.generate.exposure import exposure


def counting_but_for_3() -> WholePass:
    """After t comes t + 1, but this model goes from 3 to 7."""
    after = (np.arange(20) + 1) % 20
    after[3] = 7
    return WholePass(lambda ids, _: np.eye(20)[after[ids]])


def test_a_mistake_is_one_place_when_the_truth_is_read_and_all_the_rest_when_it_is_not():
    targets = np.array([[2, 3, 4, 5, 6], [10, 11, 12, 13, 14]])
    have = exposure(counting_but_for_3(), np.array([[1], [9]]), targets)
    np.testing.assert_array_equal(have.teacher_forced, [1, 1, 0.5, 1, 1])
    np.testing.assert_array_equal(have.free_running, [1, 1, 0.5, 0.5, 0.5])


def test_targets_that_do_not_fit_are_refused():
    for targets in (np.zeros((1, 3), dtype=int), np.zeros((2, 0), dtype=int), np.zeros(2, dtype=int)):
        with pytest.raises(ValueError, match="for each of 2"):
            exposure(counting_but_for_3(), np.array([[1], [9]]), targets)
