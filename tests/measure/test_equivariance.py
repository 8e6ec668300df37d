"""Does the output move along?"""

from __future__ import annotations

import numpy as np
import pytest

from tfx.measure.equivariance import shift_error

X = np.array([[0.0, 3.0, 0.0, 0.0], [0.0, 4.0, 0.0, 0.0]])


def test_what_treats_every_place_alike_moves_along():
    assert shift_error(np.abs, X, 1, 1, axis=1) == 0
    assert shift_error(lambda x: x[:, ::2] + x[:, 1::2], X, 2, 1, axis=1) == 0


def test_what_knows_the_place_does_not():
    """Of size 5 in column 2, times 2; moved to column 3 it is times 3."""
    columns = np.arange(1.0, 5.0)
    assert shift_error(lambda x: columns * x, X, 1, 1, axis=1) == pytest.approx((3 - 2) / 2)


def test_a_step_that_is_too_small_for_the_output_is_seen():
    assert shift_error(lambda x: x[:, ::2] - x[:, 1::2], X, 1, 1, axis=1) == pytest.approx(2.0)
    assert shift_error(np.abs, X, 1, 0, axis=1) == pytest.approx(np.sqrt(2))
